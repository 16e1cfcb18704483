import { EventEmitter } from 'node:events';
import type { Msg } from '@nats-io/transport-node';
import type { StreamLike } from '../../aggregate/stream/from-stream.ts';
import { ArgumentError, describe, IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { Conversation } from '../../ipc/conversation.ts';
import { FlushSchedule } from '../../ipc/flow/flush-schedule.ts';
import { SENT } from '../../ipc/flow/waiting-messages.ts';
import type { Message } from '../../ipc/message.ts';
import type { MessageToSend } from '../../ipc/message-content.ts';
import type { RequestOptions } from '../../ipc/pending-requests.ts';
import { Requester } from '../../ipc/requester.ts';
import type { RequestHandler } from '../../ipc/responder.ts';
import { OutgoingStreams, type SendStreamOptions } from '../../ipc/stream/outgoing-streams.ts';
import { writeReason } from '../../ipc/wire/failure.ts';
import {
  type Frame,
  FrameReader,
  FrameType,
  FrameWriter,
  MessageKind,
  protocolError,
} from '../../ipc/wire/frame.ts';
import { Heartbeat } from './heartbeat.ts';
import { Introduction, type LinkSide } from './introduction.ts';
import { checkMayLeave } from './leave-machine.ts';
import { endOf, linkClosedError } from './link-ends.ts';
import type { LinkGreeting, LinkPeer } from './link-greeting.ts';
import { PIECE_BYTES, PIECE_OVERHEAD_BYTES } from './link-message.ts';
import type { LinkParts } from './link-parts.ts';
import { LinkReceiver } from './link-receiver.ts';
import { LinkSender } from './link-sender.ts';
import { type Payloads, peerGone } from './payloads.ts';

/** Pieces of a stream that may be sent and not consumed, and bytes after which no piece may follow. */
const WINDOW_PIECES = 16;
const WINDOW_BYTES = 4 * 1024 ** 2;
/** Bytes of frames gathered before they are sent without waiting for the end of the turn. */
const FLUSH_BYTES = PIECE_BYTES;
const NOTHING = new Uint8Array(0);

/**
 * A connection of two machines that carries messages with aggregates, through NATS: ordered, each once, and
 * with bounds. What a channel is between processes, but the bytes are copied: at the other end they lie in
 * buffers of a pool there. Bodies and streams go in pieces of 256 KiB, of each no more than 16 at a time
 * before they are read.
 *
 * Emits 'close' once, with an error unless both sides closed gracefully. A link that breaks fails all that is
 * open with ERR_IOLITE_PEER: it is not made again, as nobody knows what the other side has seen. Its states
 * are those of a `Channel` of `iolite/ipc`.
 */
export class Link extends EventEmitter<{ close: [error?: Error] }> implements AsyncIterable<Message> {
  /** Its requests, for callers to whom promises cost too much. */
  readonly requester: Requester;
  readonly #parts: LinkParts;
  readonly #payloads: Payloads;
  readonly #introduction: Introduction;
  readonly #writer = new FrameWriter();
  readonly #reader = new FrameReader();
  readonly #sender: LinkSender;
  readonly #receiver: LinkReceiver;
  readonly #outgoing: OutgoingStreams;
  readonly #flushes: FlushSchedule;
  readonly #conversation = new Conversation(linkClosedError);
  #peer: LinkPeer | undefined;
  #heartbeat: Heartbeat | undefined;
  /** Streams of the program's that are under way. */
  #streams = 0;

  /** @internal Use cluster.connect() or cluster.listen(). */
  constructor(parts: LinkParts) {
    super();
    const { payloads, options } = parts;
    this.#parts = parts;
    this.#payloads = payloads;
    const { quotas, heartbeatMs } = options;
    const greeting = { machine: parts.machine, quotas, heartbeatMs, maxPayload: payloads.maxPayload };
    this.#introduction = new Introduction(parts.trust, payloads.inbox, greeting);
    const wrote = (): void => (this.#writer.size >= FLUSH_BYTES ? this.#flush() : this.#scheduleFlush());
    this.#flushes = new FlushSchedule(
      () => {
        this.#flush();
        this.#tryToFinish();
      },
      () => this.#writer.size > 0,
    );
    this.#sender = new LinkSender({
      writer: this.#writer,
      checkBody: body => checkMayLeave(body, this.#peer?.machine ?? ''),
      sendBody: (body, open) =>
        this.#outgoing.send([body], {}, stream => {
          open(stream);
          return SENT;
        }),
      wrote,
      relieved: () => this.#receiver.responder.resume(),
    });
    this.requester = new Requester({
      sender: this.#sender,
      whyClosed: this.#conversation.whyClosed,
      cancel: correlation => this.#cancel(correlation),
    });
    const window = { pieces: WINDOW_PIECES, bytes: WINDOW_BYTES, pieceBytes: PIECE_BYTES };
    this.#receiver = new LinkReceiver(options, window, {
      writer: this.#writer,
      requester: this.requester,
      send: (kind, correlation, message) =>
        this.#conversation.own === 'finished' ? SENT : this.#sender.send(kind, correlation, message),
      mayAnswer: () => this.#sender.mayAnswer,
      wrote: () => this.#scheduleFlush(),
      fail: error => this.#fail(error, true),
    });
    this.#outgoing = new OutgoingStreams(
      {
        send: (kind, stream, message) => this.#sender.send(kind, stream, message),
        withdraw: (kind, stream) => this.#sender.withdraw(kind, stream),
        ended: () => this.#tryToFinish(),
      },
      window,
    );
  }

  /** The machine at the other end, by what it says; undefined before it has greeted us: see {@link ready}. */
  get peer(): LinkPeer | undefined {
    return this.#peer;
  }

  /** Whether nothing is sent or received any more. */
  get closed(): boolean {
    return this.#conversation.isClosed;
  }

  /**
   * Resolves when the peer has greeted us.
   * @throws ERR_IOLITE_PEER when nobody listens or the link broke, ERR_IOLITE_TIMEOUT, ERR_IOLITE_PROTOCOL
   */
  ready(): Promise<void> {
    return this.#conversation.ready();
  }

  /**
   * Sends a one-way message. The body's bytes are copied when it is their turn; the caller keeps its own
   * reference and may release or change it at once.
   * @returns when the message is on its way, and with a body of more than 256 KiB when the peer has it; not
   *   before the peer has room for it (back-pressure)
   * @throws ERR_IOLITE_ACCESS (an ACL keeps the body on this machine), ERR_IOLITE_LIMIT (the peer takes no
   *   body of that length), ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE, ERR_IOLITE_CLOSED, ERR_IOLITE_PEER
   */
  send(message: MessageToSend): Promise<void> {
    const reason = this.#conversation.whyClosed();
    if (reason !== undefined) return Promise.reject(reason);
    return this.#sender.send(MessageKind.ONE_WAY, 0, message);
  }

  /**
   * Sends a message and waits for its answer, whose body belongs to the caller. The peer is told when the
   * wait ends early.
   * @throws what the peer's handler threw, with its `code`; the signal's reason; ERR_IOLITE_TIMEOUT; and as
   *   {@link send}
   */
  request(message: MessageToSend, options: RequestOptions = {}): Promise<Message> {
    return this.requester.request(message, options);
  }

  /**
   * Sends a stream: one message, whose `stream` the peer reads, in pieces of at most 256 KiB. At most 16 of
   * them, and 4 MiB, are on their way or wait to be read.
   * @returns when the peer has read all of it
   * @throws what the source failed with; what the peer cancelled it with, with its code; ERR_IOLITE_LIMIT
   *   when the pool is full, or the peer has no room for one more stream; the signal's reason; and as
   *   {@link send}. The source is ended then, and so is the stream at the peer
   */
  async sendStream(source: StreamLike, options: SendStreamOptions = {}): Promise<void> {
    this.#conversation.checkOpen();
    this.#streams += 1;
    const count = this.#streams;
    try {
      await this.#outgoing.send(source, options, stream => this.#begin(stream, options.head, count));
    } finally {
      this.#streams -= 1;
    }
  }

  /**
   * Sets what answers the peer's requests. Those that came before wait for it, up to a MiB; more are refused
   * with ERR_IOLITE_UNSUPPORTED.
   */
  onRequest(handler: RequestHandler): void {
    if (typeof handler !== 'function')
      throw new ArgumentError(`Cannot answer requests: a function is wanted, ${describe(handler)} was given`);
    this.#receiver.responder.handler = handler;
  }

  /** The peer's one-way messages and streams, in order. Taking them is what lets the peer send more. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#receiver.inbox.iterate();
  }

  /** Delivers what was sent, tells the peer, and resolves when both sides are done. */
  close(): Promise<void> {
    if (this.#conversation.isClosed) return Promise.resolve();
    if (this.#conversation.isSilent) {
      this.destroy();
      return Promise.resolve();
    }
    const done = new Promise<void>(resolve => this.once('close', () => resolve()));
    this.#conversation.beginToClose();
    this.requester.rejectAll(linkClosedError());
    this.#receiver.streams.cancelAll();
    this.#tryToFinish();
    return done;
  }

  /** Ends the link at once, and tells the peer; what is not delivered is lost. */
  destroy(error?: Error): void {
    this.#fail(error ?? new IoliteError('ERR_IOLITE_CLOSED', 'The link was destroyed'), true);
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal What asks for this link. */
  get ask(): Uint8Array {
    const writer = new FrameWriter();
    this.#introduction.writeAsk(writer);
    return writer.take();
  }

  /** @internal Answers who has asked for it. */
  answer(asker: LinkSide): void {
    this.#payloads.peer = asker.inbox;
    this.#introduction.writeAnswer(this.#writer, asker);
    this.#greeted(asker.greeting);
    this.#flush();
  }

  /** @internal A message of NATS came for this link. */
  received(message: Msg): void {
    if (this.#conversation.isClosed) return;
    this.#flushes.deliver(() => {
      try {
        const bytes = this.#payloads.take(message);
        if (bytes === undefined) return;
        this.#heartbeat?.heard();
        this.#reader.push(bytes, this.#dispatch);
        if (this.#peer !== undefined && !this.#introduction.isUnproven) this.#conversation.greeted();
        this.#receiver.settle();
      } catch (error) {
        const isGone = (error as IoliteError).code === 'ERR_IOLITE_PEER';
        if (isGone && this.#isComplete) this.#tearDown(undefined);
        else this.#fail(error as Error, !isGone);
      }
    });
  }

  /** @internal The link is lost, and there is nobody to be told. */
  lose(error: Error): void {
    this.#fail(error);
  }

  /**
   * Sends the beginning of a stream, once it is known whether the peer has room for it.
   * @param count of streams under way, with this one
   */
  async #begin(stream: number, head: Json | undefined, count: number): Promise<void> {
    await this.ready();
    const { maxStreams } = this.#sender;
    if (count > maxStreams) {
      const why = `Cannot send stream: the peer takes ${maxStreams} at a time`;
      throw new IoliteError('ERR_IOLITE_LIMIT', why, { mayRetry: true });
    }
    await this.#sender.send(MessageKind.STREAM, stream, head === undefined ? {} : { head });
  }

  // Writing frames

  #cancel(correlation: number): void {
    if (this.#conversation.isClosed) return;
    const { buffer, at } = this.#writer.frame(FrameType.CANCEL, 0, 4);
    buffer.writeUInt32LE(correlation, at);
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (!this.#conversation.isClosed) this.#flushes.request();
  }

  #flush(): void {
    if (this.#conversation.isClosed || this.#payloads.peer === undefined) return;
    this.#receiver.acknowledge();
    if (this.#writer.size > 0) this.#speak(this.#writer.take());
  }

  #speak(bytes: Uint8Array): void {
    this.#heartbeat?.spoke();
    try {
      this.#payloads.send(bytes);
    } catch (cause) {
      this.#fail(new IoliteError('ERR_IOLITE_PEER', 'The link broke: NATS takes nothing more', { cause }));
    }
  }

  readonly #dispatch = (frame: Frame): void => {
    if (this.#conversation.isClosed) return;
    if (frame.type === FrameType.CUT) return this.#fail(endOf(frame));
    if (this.#peer === undefined) return this.#answered(frame);
    if (this.#introduction.isUnproven) return this.#introduction.confirmed(frame);
    this.#conversation.greeted();
    switch (frame.type) {
      case FrameType.MESSAGE:
        this.#conversation.checkMessage();
        return this.#receiver.message(frame);
      case FrameType.ACKNOWLEDGE:
        this.#sender.acknowledged(frame);
        return this.#tryToFinish();
      case FrameType.CANCEL:
        return this.#receiver.responder.cancel(frame);
      case FrameType.CREDIT:
        return this.#outgoing.consumed(frame);
      case FrameType.STOP:
        return this.#outgoing.stopped(frame);
      case FrameType.BYE:
        return this.#bye(frame);
      default:
        throw protocolError(`frame type ${frame.type} is unknown`);
    }
  };

  /** Whom we have asked has answered. */
  #answered(frame: Frame): void {
    const { peer = '' } = this.#payloads;
    const greeting = this.#introduction.answered(frame, peer, this.#writer);
    const isProven = this.#writer.size > 0;
    this.#greeted(greeting);
    this.#conversation.greeted();
    // So the peer knows that it is the one.
    if (isProven) this.#flush();
    else this.#speak(NOTHING);
  }

  /** The peer has said who it is. */
  #greeted({ machine, quotas, heartbeatMs, maxPayload }: LinkGreeting): void {
    invariant(this.#peer === undefined, 'a peer greets once');
    this.#peer = { machine, name: this.#parts.name };
    this.#heartbeat = new Heartbeat(this.#parts.options.heartbeatMs, heartbeatMs, {
      speak: () => this.#speak(NOTHING),
      silent: milliseconds => this.#fail(peerGone(`it has said nothing for ${milliseconds} ms`), true),
    });
    this.#payloads.peerMaxPayload = maxPayload;
    const pieceBytes = Math.min(PIECE_BYTES, this.#payloads.mostBytes - PIECE_OVERHEAD_BYTES);
    this.#outgoing.window = { ...this.#outgoing.window, pieceBytes };
    this.#sender.greeted(quotas, pieceBytes);
  }

  #bye(frame: Frame): void {
    this.#conversation.farewell(frame, this.#receiver.openStreams);
    this.#receiver.inbox.end();
    this.requester.rejectAll(peerGone('it closed the link before it answered'));
    this.#tryToFinish();
  }

  // Ending

  /** While the link ends: says BYE once all is written, and closes once the peer has it, and said BYE. */
  #tryToFinish(): void {
    if (!this.#conversation.isEnding) return;
    if (!this.#sender.drained || !this.#outgoing.idle) return;
    if (this.#conversation.finish()) this.#writer.frame(FrameType.BYE, 0, 0);
    this.#flush();
    if (this.#isComplete) this.#tearDown(undefined);
  }

  /** Whether both sides have said all they had to. */
  get #isComplete(): boolean {
    return this.#conversation.isOver && this.#sender.settled;
  }

  /** @param tell whether the peer is told why it loses us, if it still listens */
  #fail(error: Error, tell = false): void {
    if (this.#conversation.isClosed) return;
    if (tell && this.#payloads.peer !== undefined) {
      writeReason(this.#writer, FrameType.CUT, [], error);
      this.#speak(this.#writer.take());
    }
    this.#tearDown(error);
  }

  #tearDown(error: Error | undefined): void {
    if (this.#conversation.isClosed) return;
    const reason = this.#conversation.close(error);
    this.#heartbeat?.stop();
    this.#sender.end(reason);
    this.#outgoing.end(reason);
    this.#receiver.end(error, reason);
    this.#parts.closed();
    this.emit('close', error);
  }
}
