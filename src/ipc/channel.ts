import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { type Aggregate, aggregateOfSlices } from '../aggregate/aggregate.ts';
import type { Credentials } from '../memory/acl.ts';
import { closeDescriptor } from '../os/descriptor.ts';
import { ArgumentError, describe, IoliteError, SystemError } from '../os/error.ts';
import { checkGrantable, ExportTable } from './exports.ts';
import { type ImportOptions, ImportTable } from './imports.ts';
import { Inbox } from './inbox.ts';
import { checkSliceCount, encodeHead, type Json, type Message, type Outgoing } from './message.ts';
import { describeFailure, failureOf, PendingRequests } from './pending-requests.ts';
import {
  broken,
  checkLength,
  type Frame,
  FrameReader,
  FrameType,
  FrameWriter,
  MessageKind,
  PROTOCOL_MAGIC,
  PROTOCOL_VERSION,
  SLICE_BYTES,
} from './wire.ts';

/** What a domain accepts from the peer of a channel. */
export interface ChannelOptions extends Partial<ImportOptions> {}

/** Answers a request. Takes over the request's body, and the channel takes over the answer's. */
export type RequestHandler = (
  message: Message,
  context: { readonly signal: AbortSignal },
) => Message | undefined | Promise<Message | undefined>;

/** Messages the peer may not have taken yet before sending pauses. */
const WINDOW = 256;
/** Bytes of frames gathered before they are written without waiting for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;
/** Milliseconds after which a full descriptor socket is tried again when no acknowledgement will tell. */
const RETRY = 2;
/** Least bytes of a MESSAGE frame's body. */
const MESSAGE_FIXED = 16;

const DEFAULT_LIMITS: ImportOptions = {
  onWrite: 'fault',
  requireSealed: false,
  maxMappedBytes: 64 * 1024 ** 3,
  maxChunks: 4096,
};

/**
 * A bidirectional connection of two domains that carries messages with aggregates: ordered, by reference.
 * Sending costs a few dozen bytes a slice and no copy of the payload, whatever its size. The sender's
 * reference stands until the peer has leased what it was sent; then the peer's own lease does.
 *
 * Emits 'close' once, with an error unless both sides closed gracefully.
 */
export class Channel extends EventEmitter<{ close: [error?: Error] }> implements AsyncIterable<Message> {
  /** The process at the other end, as the kernel attests it. */
  readonly peer: Credentials;
  readonly #socket: Socket;
  readonly #descriptors: number;
  readonly #reader = new FrameReader();
  readonly #writer = new FrameWriter();
  readonly #exports: ExportTable;
  readonly #imports: ImportTable;
  readonly #inbox = new Inbox(() => this.#consumed());
  readonly #requests = new PendingRequests();
  /** Requests of the peer being answered, to be told when the peer gives up. */
  readonly #answering = new Map<number, AbortController>();
  readonly #waitingForHandler: { correlation: number; message: Message }[] = [];
  #handler: RequestHandler | undefined;
  /** One-way messages and requests, which need credit. */
  #outbox: Outgoing[] = [];
  /** Answers, which need none: the peer waits for them. */
  #answers: Outgoing[] = [];
  /** Our references to what the peer has not leased yet, oldest first. */
  #inFlight: (Aggregate | undefined)[] = [];
  #sentWithCredit = 0;
  #peerLeased = 0;
  #peerConsumed = 0;
  #leasedCount = 0;
  #consumedCount = 0;
  #acknowledge = false;
  #flushScheduled = false;
  #retry: NodeJS.Timeout | undefined;
  #full = false;
  #greeted = false;
  #saidBye = false;
  #peerSaidBye = false;
  #closing = false;
  #closed = false;
  #whenReady: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /**
   * Takes over two sockets that are connected to the peer's two: a stream socket for frames and a seqpacket
   * socket for descriptors. Use fork() or parentChannel().
   */
  constructor(
    sockets: { messages: number; descriptors: number },
    peer: Credentials,
    options: ChannelOptions = {},
  ) {
    super();
    this.peer = peer;
    this.#descriptors = sockets.descriptors;
    this.#exports = new ExportTable(sockets.descriptors, this.#writer, () => this.#scheduleFlush());
    this.#imports = new ImportTable(sockets.descriptors, { ...DEFAULT_LIMITS, ...options });
    this.#socket = new Socket({ fd: sockets.messages, readable: true, writable: true });
    this.#socket.on('data', bytes => this.#received(bytes));
    this.#socket.on('drain', () => {
      this.#full = false;
      this.#pump();
    });
    this.#socket.on('error', cause => this.#fail(peerGone(cause)));
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#ended());
    const { buffer, at } = this.#writer.frame(FrameType.HELLO, 0, 8);
    buffer.writeUInt32LE(PROTOCOL_MAGIC, at);
    buffer.writeUInt32LE(PROTOCOL_VERSION, at + 4);
    this.#scheduleFlush();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes of other domains' chunks that this channel keeps mapped here, and how many chunks these are. */
  get imported(): { readonly bytes: number; readonly chunks: number } {
    return { bytes: this.#imports.mappedBytes, chunks: this.#imports.chunks };
  }

  /** Resolves when the peer has greeted us. @throws ERR_IOLITE_PEER, ERR_IOLITE_PROTOCOL */
  ready(): Promise<void> {
    if (this.#greeted) return Promise.resolve();
    if (this.#closed) return Promise.reject(peerGone());
    return new Promise((resolve, reject) => {
      this.#whenReady = { resolve, reject };
    });
  }

  /**
   * Sends a one-way message. Copies the head, never the body; the caller keeps its own reference to the body
   * and may release or change it at once.
   * @returns when the message is on its way; not before the peer has room for it (back-pressure)
   * @throws ERR_IOLITE_ACCESS, ERR_IOLITE_UNSUPPORTED (heap memory), ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE,
   * ERR_IOLITE_CLOSED, ERR_IOLITE_PEER
   */
  async send(message: Message): Promise<void> {
    await this.#enqueue(MessageKind.ONE_WAY, 0, message);
  }

  /**
   * Sends a message and waits for its answer, whose body belongs to the caller.
   * @throws what the peer's handler threw, with its `code`; the signal's reason; and as {@link send}
   */
  async request(message: Message, options: { readonly signal?: AbortSignal } = {}): Promise<Message> {
    const { signal } = options;
    signal?.throwIfAborted();
    const { correlation, answer } = this.#requests.open();
    const abort = (): void => {
      if (this.#requests.reject(correlation, signal?.reason)) this.#cancel(correlation);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const enqueued = this.#enqueue(MessageKind.REQUEST, correlation, message);
      enqueued.catch(error => this.#requests.reject(correlation, error));
      return await answer;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Sets what answers the peer's requests. Requests that came before wait for it. */
  onRequest(handler: RequestHandler): void {
    if (typeof handler !== 'function') {
      throw new ArgumentError(`Cannot answer requests: a function is wanted, ${describe(handler)} was given`);
    }
    this.#handler = handler;
    for (const { correlation, message } of this.#waitingForHandler.splice(0))
      this.#answer(correlation, message);
  }

  /** The peer's one-way messages, in order. Taking them is what lets the peer send more. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return {
      next: () => this.#inbox.next(),
      return: () => Promise.resolve({ value: undefined, done: true }),
    };
  }

  /** Lets the process end although the channel is open. */
  unref(): this {
    this.#socket.unref();
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  /** Delivers what was sent, tells the peer, and resolves when both sides are done. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const done = new Promise<void>(resolve => this.once('close', () => resolve()));
    this.#closing = true;
    this.#requests.rejectAll(
      new IoliteError('ERR_IOLITE_CLOSED', 'The channel was closed before an answer came'),
    );
    this.#pump();
    return done;
  }

  /** Ends the channel at once; what is not delivered is lost. */
  destroy(error?: Error): void {
    this.#fail(error ?? new IoliteError('ERR_IOLITE_CLOSED', 'The channel was destroyed'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Sending

  #enqueue(kind: number, correlation: number, message: Message): Promise<void> {
    return new Promise((sent, failed) => {
      if (this.#closed || this.#closing)
        throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot send message: the channel is closed');
      const head = encodeHead(message.head);
      const body = message.body?.duplicate();
      const outgoing: Outgoing = { kind, correlation, head, body, sent, failed };
      try {
        if (body !== undefined) this.#checkBody(body);
      } catch (error) {
        body?.release();
        throw error;
      }
      const isAnswer = kind === MessageKind.RESPONSE || kind === MessageKind.FAILURE;
      (isAnswer ? this.#answers : this.#outbox).push(outgoing);
      this.#pump();
    });
  }

  #checkBody(body: Aggregate): void {
    const slices = body.slices();
    checkSliceCount(slices.length);
    for (const { lease } of slices) checkGrantable(lease.chunk, this.peer);
  }

  /** Writes what may be written: answers first, then the rest as far as the peer's credit goes. */
  #pump(): void {
    if (this.#closed) return;
    while (!this.#full && this.#answers[0] !== undefined) {
      if (!this.#write(this.#answers[0])) return;
      this.#answers.shift();
    }
    while (
      !this.#full &&
      this.#outbox[0] !== undefined &&
      this.#sentWithCredit - this.#peerConsumed < WINDOW
    ) {
      if (!this.#write(this.#outbox[0])) return;
      this.#outbox.shift();
      this.#sentWithCredit += 1;
    }
    if (this.#closing) this.#tryToFinish();
  }

  /** @returns false when the message has to wait for room in the descriptor socket */
  #write(outgoing: Outgoing): boolean {
    const { body, sent, failed } = outgoing;
    try {
      if (!this.#encode(outgoing)) {
        this.#flush();
        if (this.#inFlight.length === 0) this.#retry ??= setTimeout(() => this.#retryNow(), RETRY);
        return false;
      }
    } catch (error) {
      body?.release();
      failed(error as Error);
      // The peer never sees a message that failed, so it takes no credit.
      if (outgoing.kind !== MessageKind.RESPONSE && outgoing.kind !== MessageKind.FAILURE)
        this.#sentWithCredit -= 1;
      return true;
    }
    this.#inFlight.push(body);
    sent();
    if (this.#writer.size >= FLUSH_BYTES) this.#flush();
    else this.#scheduleFlush();
    return true;
  }

  #retryNow(): void {
    this.#retry = undefined;
    this.#pump();
  }

  /** @returns false when a descriptor could not be passed yet */
  #encode({ kind, correlation, head, body }: Outgoing): boolean {
    const slices = body?.slices() ?? [];
    const indexes: number[] = [];
    for (const { lease } of slices) {
      checkGrantable(lease.chunk, this.peer);
      const index = this.#exports.grant(lease.chunk);
      if (index === undefined) return false;
      indexes.push(index);
    }
    const length = MESSAGE_FIXED + head.length + slices.length * SLICE_BYTES;
    const frame = this.#writer.frame(FrameType.MESSAGE, body === undefined ? 0 : 1, length);
    const { buffer } = frame;
    let at = frame.at;
    for (const field of [kind, correlation, head.length, slices.length]) at = buffer.writeUInt32LE(field, at);
    at += head.copy(buffer, at);
    for (const [position, { lease, start, end }] of slices.entries()) {
      at = buffer.writeUInt32LE(indexes[position] as number, at);
      at = buffer.writeUInt32LE(lease.generation, at);
      at = buffer.writeUInt32LE(start, at);
      at = buffer.writeUInt32LE(end - start, at);
    }
    return true;
  }

  #cancel(correlation: number): void {
    const waiting = this.#outbox.findIndex(
      o => o.kind === MessageKind.REQUEST && o.correlation === correlation,
    );
    if (waiting !== -1) {
      for (const { body } of this.#outbox.splice(waiting, 1)) body?.release();
      return;
    }
    if (this.#closed) return;
    const { buffer, at } = this.#writer.frame(FrameType.CANCEL, 0, 4);
    buffer.writeUInt32LE(correlation, at);
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#closed) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#closed) return;
    if (this.#acknowledge) {
      this.#acknowledge = false;
      const { buffer, at } = this.#writer.frame(FrameType.ACKNOWLEDGE, 0, 8);
      buffer.writeUInt32LE(this.#leasedCount >>> 0, at);
      buffer.writeUInt32LE(this.#consumedCount >>> 0, at + 4);
    }
    if (this.#writer.size > 0 && !this.#socket.write(this.#writer.take())) this.#full = true;
  }

  // Receiving

  #received(bytes: Buffer): void {
    try {
      this.#reader.push(bytes, frame => this.#dispatch(frame));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #dispatch(frame: Frame): void {
    if (this.#closed) return;
    if (!this.#greeted) return this.#hello(frame);
    switch (frame.type) {
      case FrameType.GRANT:
        return this.#imports.granted(frame);
      case FrameType.REVOKE:
        return this.#imports.revoked(frame);
      case FrameType.MESSAGE:
        return this.#message(frame);
      case FrameType.ACKNOWLEDGE:
        return this.#acknowledged(frame);
      case FrameType.FORGET:
        checkLength(frame, 4);
        return this.#exports.forget(frame.body.readUInt32LE(0));
      case FrameType.CANCEL:
        checkLength(frame, 4);
        return this.#answering.get(frame.body.readUInt32LE(0))?.abort();
      case FrameType.BYE:
        return this.#bye(frame);
      default:
        throw broken(`frame type ${frame.type} is unknown`);
    }
  }

  #hello(frame: Frame): void {
    if (frame.type !== FrameType.HELLO) throw broken(`its first frame is of type ${frame.type}`);
    checkLength(frame, 8);
    if (frame.body.readUInt32LE(0) !== PROTOCOL_MAGIC) throw broken('its greeting is not of this protocol');
    const version = frame.body.readUInt32LE(4);
    if (version !== PROTOCOL_VERSION)
      throw broken(`it speaks version ${version}, ${PROTOCOL_VERSION} is known`);
    this.#greeted = true;
    this.#whenReady?.resolve();
  }

  #message(frame: Frame): void {
    const { body: bytes } = frame;
    if (this.#peerSaidBye) throw broken('a message came after its farewell');
    if (bytes.length < MESSAGE_FIXED) throw broken(`a message has ${bytes.length} bytes`);
    const kind = bytes.readUInt32LE(0);
    const correlation = bytes.readUInt32LE(4);
    const headLength = bytes.readUInt32LE(8);
    const sliceCount = bytes.readUInt32LE(12);
    checkLength(frame, MESSAGE_FIXED + headLength + sliceCount * SLICE_BYTES);
    const head =
      headLength === 0 ? undefined : parseHead(bytes.subarray(MESSAGE_FIXED, MESSAGE_FIXED + headLength));
    const hasBody = (frame.flags & 1) !== 0;
    if (!hasBody && sliceCount > 0) throw broken('a message without a body names slices');
    const body = hasBody ? this.#leaseBody(bytes, MESSAGE_FIXED + headLength, sliceCount) : undefined;
    this.#leasedCount += 1;
    this.#acknowledge = true;
    this.#scheduleFlush();
    this.#deliver(kind, correlation, {
      ...(head === undefined ? {} : { head }),
      ...(body === undefined ? {} : { body }),
    });
  }

  #leaseBody(bytes: Buffer, from: number, count: number): Aggregate {
    const slices: { lease: ReturnType<ImportTable['lease']>; start: number; end: number }[] = [];
    try {
      for (let at = from; at < from + count * SLICE_BYTES; at += SLICE_BYTES) {
        const start = bytes.readUInt32LE(at + 8);
        const end = start + bytes.readUInt32LE(at + 12);
        const lease = this.#imports.lease(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), start, end);
        lease.retain();
        slices.push({ lease, start, end });
      }
      return aggregateOfSlices(slices);
    } catch (error) {
      for (const { lease } of slices) lease.release();
      throw error;
    }
  }

  #deliver(kind: number, correlation: number, message: Message): void {
    if (kind === MessageKind.ONE_WAY) this.#inbox.push(message);
    else if (kind === MessageKind.REQUEST) this.#answer(correlation, message);
    else if (kind === MessageKind.RESPONSE) this.#requests.resolve(correlation, message);
    else if (kind === MessageKind.FAILURE) {
      message.body?.release();
      this.#requests.reject(correlation, failureOf(message.head));
    } else {
      message.body?.release();
      throw broken(`message kind ${kind} is unknown`);
    }
  }

  #answer(correlation: number, message: Message): void {
    const handler = this.#handler;
    if (handler === undefined) {
      this.#waitingForHandler.push({ correlation, message });
      return;
    }
    void this.#runHandler(handler, correlation, message);
  }

  async #runHandler(handler: RequestHandler, correlation: number, message: Message): Promise<void> {
    const controller = new AbortController();
    this.#answering.set(correlation, controller);
    let body: Aggregate | undefined;
    try {
      const answer = (await handler(message, { signal: controller.signal })) ?? {};
      body = answer.body;
      await this.#enqueue(MessageKind.RESPONSE, correlation, answer);
    } catch (error) {
      // When even this cannot be sent the channel is closed, and the requester knows.
      this.#enqueue(MessageKind.FAILURE, correlation, { head: describeFailure(error) }).catch(() => {});
    } finally {
      if (body !== undefined && !body.released) body.release();
      this.#answering.delete(correlation);
      this.#consumed();
    }
  }

  #consumed(): void {
    this.#consumedCount += 1;
    this.#acknowledge = true;
    this.#scheduleFlush();
  }

  #acknowledged(frame: Frame): void {
    checkLength(frame, 8);
    const leased = (frame.body.readUInt32LE(0) - this.#peerLeased) >>> 0;
    const consumed = (frame.body.readUInt32LE(4) - this.#peerConsumed) >>> 0;
    if (leased > this.#inFlight.length) throw broken('it acknowledged messages that were never sent');
    if (consumed > this.#sentWithCredit - this.#peerConsumed)
      throw broken('it consumed messages that were never sent');
    this.#peerLeased += leased;
    this.#peerConsumed += consumed;
    for (const body of this.#inFlight.splice(0, leased)) body?.release();
    this.#pump();
  }

  // Ending

  #bye(frame: Frame): void {
    checkLength(frame, 0);
    this.#peerSaidBye = true;
    this.#closing = true;
    this.#inbox.end();
    this.#requests.rejectAll(
      new IoliteError('ERR_IOLITE_PEER', 'The peer closed the channel before it answered'),
    );
    this.#pump();
  }

  /** Says BYE once everything is sent, and ends once the peer has leased it all and said so itself. */
  #tryToFinish(): void {
    if (this.#outbox.length > 0 || this.#answers.length > 0) return;
    if (!this.#saidBye) {
      this.#saidBye = true;
      this.#writer.frame(FrameType.BYE, 0, 0);
      this.#flush();
    }
    if (!this.#peerSaidBye || this.#inFlight.length > 0) return;
    this.#flush();
    this.#tearDown(undefined);
    this.#socket.end();
  }

  /** The socket ended. That is an accident unless both sides had said what they had to. */
  #ended(): void {
    if (this.#peerSaidBye && this.#saidBye && this.#inFlight.length === 0) this.#tearDown(undefined);
    else this.#fail(peerGone());
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#tearDown(error);
    this.#socket.destroy();
  }

  #tearDown(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const reason = error ?? new IoliteError('ERR_IOLITE_CLOSED', 'The channel is closed');
    for (const body of this.#inFlight.splice(0)) body?.release();
    for (const { body, failed } of [...this.#answers.splice(0), ...this.#outbox.splice(0)]) {
      body?.release();
      failed(reason);
    }
    for (const { message } of this.#waitingForHandler.splice(0)) message.body?.release();
    for (const controller of this.#answering.values()) controller.abort(reason);
    this.#requests.rejectAll(reason);
    this.#inbox.end(error);
    this.#exports.clear();
    this.#imports.clear();
    closeDescriptor(this.#descriptors);
    this.#whenReady?.reject(reason);
    this.emit('close', error);
  }
}

function parseHead(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw broken('the head of a message is not JSON');
  }
}

function peerGone(cause?: Error): Error {
  const detail = cause instanceof SystemError || cause === undefined ? '' : `: ${cause.message}`;
  return new IoliteError(
    'ERR_IOLITE_PEER',
    `The peer is gone${detail}`,
    cause === undefined ? undefined : { cause },
  );
}
