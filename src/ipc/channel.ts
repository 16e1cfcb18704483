import { EventEmitter } from 'node:events';
import type { StreamLike } from '../aggregate/stream/from-stream.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Credentials } from '../memory/acl.ts';
import { closeDescriptor, noteDescriptor } from '../os/descriptor.ts';
import type { ChannelOptions } from './channel-options.ts';
import { ExportTable } from './chunks/exports.ts';
import { ImportTable } from './chunks/imports.ts';
import { decodeMessage } from './decode-message.ts';
import { Receipts } from './flow/acknowledgements.ts';
import { BusyPoll } from './flow/busy-poll.ts';
import { FlushSchedule } from './flow/flush-schedule.ts';
import { Inbox } from './inbox.ts';
import type { Message } from './message.ts';
import { failureOf, type RequestOptions } from './pending-requests.ts';
import { Requester } from './requester.ts';
import { type RequestHandler, Responder } from './responder.ts';
import { closedHere, needsCredit, Sender } from './sender.ts';
import { IncomingStreams } from './stream/incoming-streams.ts';
import { OutgoingStreams, type SendStreamOptions } from './stream/outgoing-streams.ts';
import { cutOff, peerGone, readReason, writeReason } from './wire/failure.ts';
import {
  broken,
  checkLength,
  type Frame,
  FrameReader,
  FrameType,
  FrameWriter,
  MessageKind,
} from './wire/frame.ts';
import { readGreeting, writeGreeting } from './wire/greeting.ts';
import { HeadMemo } from './wire/head-memo.ts';
import { MessageSocket } from './wire/message-socket.ts';
import { type Quotas, quotasOf } from './wire/quotas.ts';

/** Bytes of frames gathered before they are written without waiting for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;

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
  /** Its requests, for those to whom promises cost too much. */
  readonly requester: Requester;
  readonly #socket: MessageSocket;
  readonly #descriptors: number;
  readonly #reader = new FrameReader();
  readonly #writer = new FrameWriter();
  readonly #exports: ExportTable;
  readonly #imports: ImportTable;
  readonly #sender: Sender;
  readonly #inbox = new Inbox(() => this.#receipts.consumed());
  readonly #receipts: Receipts;
  readonly #heads: HeadMemo | undefined;
  readonly #responder: Responder;
  readonly #outgoing: OutgoingStreams;
  readonly #incoming: IncomingStreams;
  readonly #quotas: Quotas;
  readonly #busyPoll: BusyPoll;
  readonly #flushes: FlushSchedule;
  #greeted = false;
  #whenReady: { resolve: () => void; reject: (error: Error) => void } | undefined;
  /** No message is accepted any more: this side, or the peer, is about to say BYE. */
  #closing = false;
  #saidBye = false;
  #peerSaidBye = false;
  #closed = false;
  /** Why the channel closed, unless gracefully. */
  #accident: Error | undefined;

  /**
   * Takes over two sockets that are connected to the peer's two: a stream socket for frames and a seqpacket
   * socket for descriptors. Use fork(), connect(), listen() or parentChannel().
   */
  constructor(
    { messages, descriptors }: { messages: number; descriptors: number },
    peer: Credentials,
    options: ChannelOptions = {},
  ) {
    super();
    this.#quotas = quotasOf(options);
    this.#busyPoll = new BusyPoll(options.busyPoll);
    this.#flushes = new FlushSchedule(
      () => {
        this.#flush();
        if (this.#closing) this.#tryToFinish();
      },
      () => this.#writer.size > 0,
      options.gather,
    );
    this.#receipts = new Receipts(() => this.#scheduleFlush(), this.#quotas.maxMessages);
    this.peer = peer;
    this.#descriptors = descriptors;
    noteDescriptor(descriptors);
    this.#exports = new ExportTable(descriptors, this.#writer, () => this.#scheduleFlush());
    this.#imports = new ImportTable(descriptors, options, this.#quotas);
    this.#sender = new Sender({
      peer,
      writer: this.#writer,
      exports: this.#exports,
      wrote: () => (this.#writer.size >= FLUSH_BYTES ? this.#flush() : this.#scheduleFlush()),
      flush: () => this.#flush(),
    });
    this.requester = new Requester({
      sender: this.#sender,
      whyClosed: () => (this.#closing ? this.#whyClosed() : undefined),
      cancel: correlation => this.#cancel(correlation),
    });
    this.#heads = options.rememberHeads === true ? new HeadMemo() : undefined;
    this.#responder = new Responder(
      (kind, correlation, message) => this.#sender.send(kind, correlation, message),
      () => this.#receipts.consumed(),
    );
    this.#outgoing = new OutgoingStreams({
      send: (kind, stream, message) => this.#sender.send(kind, stream, message),
      withdraw: (kind, stream) => this.#sender.withdraw(kind, stream),
      ended: () => this.#closing && this.#tryToFinish(),
    });
    this.#incoming = new IncomingStreams(this.#writer, () => this.#scheduleFlush(), this.#quotas);
    this.#socket = new MessageSocket(messages, {
      received: bytes => this.#received(bytes),
      drained: () => {
        this.#sender.full = false;
        this.#scheduleFlush();
      },
      failed: cause => this.#fail(peerGone(cause)),
      ended: () => this.#ended(),
    });
    writeGreeting(this.#writer, this.#quotas);
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
    if (this.#closed) return Promise.reject(this.#accident ?? peerGone());
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
  send(message: Message): Promise<void> {
    if (this.#closing) return Promise.reject(this.#whyClosed());
    return this.#sender.send(MessageKind.ONE_WAY, 0, message);
  }

  /**
   * Sends a message and waits for its answer, whose body belongs to the caller. The peer is told when the
   * wait ends early.
   * @throws what the peer's handler threw, with its `code`; the signal's reason; ERR_IOLITE_TIMEOUT; and as
   *   {@link send}
   */
  request(message: Message, options: RequestOptions = {}): Promise<Message> {
    return this.requester.request(message, options);
  }

  /**
   * Sends a stream: one message, whose `stream` the peer reads. Each piece goes by reference as it comes, no
   * more of them than the peer makes room for by reading. Streams and messages do not hold each other up.
   * @returns when the peer has read all of it
   * @throws what the source failed with; what the peer cancelled it with, with its code; ERR_IOLITE_LIMIT
   *   when the pool is full; the signal's reason; and as {@link send}. The source is ended then, and so is
   *   the stream at the peer
   */
  async sendStream(source: StreamLike, options: SendStreamOptions = {}): Promise<void> {
    if (this.#closing) throw this.#whyClosed();
    await this.#outgoing.send(source, options);
  }

  /** Sets what answers the peer's requests. Requests that came before wait for it. */
  onRequest(handler: RequestHandler): void {
    if (typeof handler !== 'function') {
      throw new ArgumentError(`Cannot answer requests: a function is wanted, ${describe(handler)} was given`);
    }
    this.#responder.handler = handler;
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
    this.requester.rejectAll(
      new IoliteError('ERR_IOLITE_CLOSED', 'The channel was closed before an answer came'),
    );
    this.#incoming.cancelAll();
    this.#tryToFinish();
    return done;
  }

  /** Ends the channel at once; what is not delivered is lost. */
  destroy(error?: Error): void {
    this.#fail(error ?? new IoliteError('ERR_IOLITE_CLOSED', 'The channel was destroyed'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #whyClosed(): Error {
    return this.#accident ?? closedHere();
  }

  // Writing frames

  #cancel(correlation: number): void {
    if (this.#closed) return;
    const { buffer, at } = this.#writer.frame(FrameType.CANCEL, 0, 4);
    buffer.writeUInt32LE(correlation, at);
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (!this.#closed) this.#flushes.request();
  }

  #flush(): void {
    if (this.#closed) return;
    // A peer that reads nothing is told once it does, so that what waits for it does not grow.
    if (!this.#socket.full) {
      this.#incoming.writeCredits();
      this.#receipts.write(this.#writer);
    }
    if (this.#writer.size === 0) return;
    this.#busyPoll.active();
    if (!this.#socket.write(this.#writer.take())) this.#sender.full = true;
  }

  // Reading frames

  #received(bytes: Buffer): void {
    this.#busyPoll.active();
    this.#flushes.deliver(() => {
      try {
        this.#reader.push(bytes, frame => this.#dispatch(frame));
      } catch (error) {
        this.#fail(error as Error, true);
      }
    });
  }

  #dispatch(frame: Frame): void {
    if (this.#closed) return;
    if (frame.type === FrameType.CUT) return this.#fail(cutOff(readReason(frame.body, 0)));
    if (!this.#greeted) return this.#hello(frame);
    switch (frame.type) {
      case FrameType.GRANT:
        return this.#imports.granted(frame);
      case FrameType.REVOKE:
        return this.#imports.revoked(frame);
      case FrameType.MESSAGE:
        return this.#message(frame);
      case FrameType.ACKNOWLEDGE:
        checkLength(frame, 8);
        this.#sender.acknowledged(
          frame.bytes.readUInt32LE(frame.start),
          frame.bytes.readUInt32LE(frame.start + 4),
        );
        if (this.#closing) this.#tryToFinish();
        return;
      case FrameType.FORGET:
        checkLength(frame, 4);
        return this.#exports.forget(frame.body.readUInt32LE(0));
      case FrameType.CANCEL:
        checkLength(frame, 4);
        return this.#responder.cancel(frame.body.readUInt32LE(0));
      case FrameType.CREDIT:
        return this.#outgoing.consumed(frame);
      case FrameType.STOP:
        return this.#outgoing.stopped(frame);
      case FrameType.BYE:
        return this.#bye(frame);
      default:
        throw broken(`frame type ${frame.type} is unknown`);
    }
  }

  #hello(frame: Frame): void {
    this.#sender.quotas = readGreeting(frame);
    this.#greeted = true;
    this.#whenReady?.resolve();
  }

  #message(frame: Frame): void {
    if (this.#peerSaidBye) throw broken('a message came after its farewell');
    const { kind, correlation, message } = decodeMessage(frame, this.#imports, this.#quotas, this.#heads);
    this.#receipts.leased();
    if (needsCredit(kind)) this.#receipts.admit(message);
    this.#deliver(kind, correlation, message);
  }

  #deliver(kind: number, correlation: number, message: Message): void {
    switch (kind) {
      case MessageKind.ONE_WAY:
        return this.#inbox.push(message);
      case MessageKind.REQUEST:
        return this.#responder.request(correlation, message);
      case MessageKind.RESPONSE:
        return this.requester.answered(correlation, message);
      case MessageKind.FAILURE:
        message.body?.release();
        this.requester.failed(correlation, failureOf(message.head));
        return;
      case MessageKind.STREAM:
        return this.#inbox.push(this.#incoming.opened(correlation, message));
      default:
        return this.#incoming.deliver(kind, correlation, message);
    }
  }

  // Ending

  #bye(frame: Frame): void {
    checkLength(frame, 0);
    if (this.#peerSaidBye) throw broken('it said farewell twice');
    if (this.#incoming.open > 0) throw broken('it said farewell before its streams had ended');
    this.#peerSaidBye = true;
    this.#closing = true;
    this.#inbox.end();
    this.requester.rejectAll(
      new IoliteError('ERR_IOLITE_PEER', 'The peer closed the channel before it answered'),
    );
    this.#tryToFinish();
  }

  /** Says BYE once everything is written, and ends once the peer has leased it all and said BYE itself. */
  #tryToFinish(): void {
    if (this.#closed || !this.#sender.drained || !this.#outgoing.idle) return;
    if (!this.#saidBye) {
      this.#saidBye = true;
      this.#writer.frame(FrameType.BYE, 0, 0);
    }
    this.#flush();
    if (!this.#peerSaidBye || !this.#sender.settled) return;
    this.#tearDown(undefined);
    this.#socket.end();
  }

  /** The socket ended. That is an accident unless both sides had said what they had to. */
  #ended(): void {
    if (this.#peerSaidBye && this.#saidBye && this.#sender.settled) this.#tearDown(undefined);
    else this.#fail(peerGone());
  }

  /** @param tell whether the peer is told why it loses us, if it still listens */
  #fail(error: Error, tell = false): void {
    if (this.#closed) return;
    if (tell) writeReason(this.#writer, FrameType.CUT, [], error);
    if (tell) this.#socket.write(this.#writer.take());
    this.#tearDown(error);
    this.#socket.destroy();
  }

  #tearDown(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#accident = error;
    const reason = error ?? closedHere();
    this.#sender.end(reason);
    this.#outgoing.end(reason);
    this.#incoming.end(reason);
    this.#responder.end(reason);
    this.requester.rejectAll(reason);
    this.#inbox.end(error);
    this.#exports.clear();
    this.#imports.clear();
    closeDescriptor(this.#descriptors);
    this.#busyPoll.end();
    this.#whenReady?.reject(reason);
    this.emit('close', error);
  }
}
