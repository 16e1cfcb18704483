import { EventEmitter } from 'node:events';
import type { StreamLike } from '../aggregate/stream/from-stream.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Credentials } from '../memory/acl.ts';
import { noteDescriptor } from '../os/descriptor.ts';
import { closeWithDescriptors } from '../os/socket.ts';
import { noteRefusal, tellClosed, tellOpen } from './channel-events.ts';
import type { ChannelOptions } from './channel-options.ts';
import { ExportTable } from './chunks/export-table.ts';
import { Conversation } from './conversation.ts';
import { BusyPoll } from './flow/busy-poll.ts';
import { FlushSchedule } from './flow/flush-schedule.ts';
import { Intake } from './flow/intake.ts';
import { SENT } from './flow/waiting-messages.ts';
import type { Message } from './message.ts';
import type { MessageToSend } from './message-content.ts';
import { PeerHolder } from './peer-holder.ts';
import { PeerLoss } from './peer-loss.ts';
import type { RequestOptions } from './pending-requests.ts';
import { Receiver } from './receiver.ts';
import { Requester } from './requester.ts';
import type { RequestHandler } from './responder.ts';
import { channelClosedError, Sender } from './sender.ts';
import { OutgoingStreams, type SendStreamOptions } from './stream/outgoing-streams.ts';
import { cutOffError, failureOf, type PeerEnd, readReason, writeReason } from './wire/failure.ts';
import { type Frame, FrameType, FrameWriter, MessageKind, protocolError } from './wire/frame.ts';
import { readGreeting, writeGreeting } from './wire/greeting.ts';
import { MessageSocket } from './wire/message-socket.ts';
import { quotasOf } from './wire/quotas.ts';

/** Bytes of frames gathered before they are written without waiting for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;

/**
 * A bidirectional connection of two domains that carries messages with aggregates: ordered, by reference.
 * Sending costs a few dozen bytes a slice and no copy of the payload, whatever its size. The sender's
 * reference stands until the peer has leased what it was sent; then the peer's own lease does.
 *
 * Emits 'close' once, with an error unless both sides closed gracefully.
 *
 * Each side says HELLO, sends its messages, and says BYE. How far this side is, is the channel's state:
 *
 *     open      messages are accepted; they wait here until the peer has said HELLO
 *     closing   none is accepted any more; those that were, and streams, are on their way
 *     finished  BYE is written; the peer may not have leased everything, nor said BYE
 *     closed    nothing is sent or received, and everything is let go of
 *
 *     open     -> closing   close(), or the peer's BYE
 *     closing  -> finished  everything is written, and our streams were read to their end
 *     finished -> closed    the peer has said BYE, and leased everything
 *     any      -> closed    an accident: destroy(); the socket ends or fails; the peer cuts us off, or is cut
 *                           off as it broke the protocol or a quota
 *
 * How far the peer is, is a state of its own: silent, greeted by its HELLO, finished by its BYE.
 */
export class Channel extends EventEmitter<{ close: [error?: Error] }> implements AsyncIterable<Message> {
  /** The process at the other end, as the kernel attests it. */
  readonly peer: Credentials;
  /** Its requests, for callers to whom promises cost too much. */
  readonly requester: Requester;
  readonly #socket: MessageSocket;
  readonly #descriptors: number;
  readonly #writer = new FrameWriter();
  readonly #exports: ExportTable;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #outgoing: OutgoingStreams;
  readonly #busyPoll: BusyPoll;
  readonly #flushes: FlushSchedule;
  readonly #intake: Intake;
  /** How far this side is, and the peer. */
  readonly #conversation = new Conversation(channelClosedError);
  readonly #loss = new PeerLoss(error => this.#fail(error));

  /** Takes over two sockets: one for frames, one for descriptors. Use fork(), connect(), listen(). */
  constructor(
    { messages, descriptors }: { messages: number; descriptors: number },
    peer: Credentials,
    options: ChannelOptions = {},
  ) {
    super();
    const quotas = quotasOf(options);
    const wrote = (): void => this.#scheduleFlush();
    this.peer = peer;
    this.#busyPoll = new BusyPoll(options.busyPoll);
    this.#flushes = new FlushSchedule(
      () => {
        this.#flush();
        this.#tryToFinish();
      },
      () => this.#writer.size > 0,
      options.gather,
    );
    this.#descriptors = descriptors;
    noteDescriptor(descriptors);
    this.#exports = new ExportTable(descriptors, this.#writer, wrote);
    this.#sender = new Sender({
      peer,
      writer: this.#writer,
      exports: this.#exports,
      wrote: () => (this.#writer.size >= FLUSH_BYTES ? this.#flush() : this.#scheduleFlush()),
      flush: () => this.#flush(),
      relieved: () => this.#receiver.responder.resume(),
      lost: () => this.#socket.endReading(),
    });
    this.#exports.holder = new PeerHolder(peer, options.maxHeldBytes, this.#sender, reason =>
      this.#fail(reason, true),
    );
    this.requester = new Requester({
      sender: this.#sender,
      whyClosed: this.#conversation.whyClosed,
      cancel: correlation => this.#cancel(correlation),
    });
    this.#receiver = new Receiver(descriptors, options, quotas, {
      peer,
      writer: this.#writer,
      requester: this.requester,
      // By our BYE the peer knows that what was not answered before will not be.
      send: (kind, correlation, message) =>
        this.#conversation.own === 'finished' ? SENT : this.#sender.send(kind, correlation, message),
      mayAnswer: () => this.#sender.mayAnswer,
      wrote,
    });
    this.#outgoing = new OutgoingStreams({
      send: (kind, stream, message) => this.#sender.send(kind, stream, message),
      withdraw: (kind, stream) => this.#sender.withdraw(kind, stream),
      ended: () => this.#tryToFinish(),
    });
    this.#socket = new MessageSocket(messages, {
      received: bytes => this.#received(bytes),
      drained: () => this.#drained(),
      failed: cause => this.#loss.lost(cause),
      ended: () => this.#ended(),
    });
    this.#intake = new Intake({
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
      retry: () => this.#received(Buffer.alloc(0)),
      deliver: frame => this.#dispatch(frame),
      fail: error => this.#fail(error, true),
    });
    writeGreeting(this.#writer, quotas);
    this.#scheduleFlush();
  }

  /** Whether nothing is sent or received any more. */
  get closed(): boolean {
    return this.#conversation.isClosed;
  }

  /** Bytes of other domains' chunks that this channel keeps mapped here, and how many chunks these are. */
  get imported(): { readonly bytes: number; readonly chunks: number } {
    const { imports } = this.#receiver;
    return { bytes: imports.mappedBytes, chunks: imports.chunks };
  }

  /** Resolves when the peer has greeted us. @throws ERR_IOLITE_PEER, ERR_IOLITE_PROTOCOL */
  ready(): Promise<void> {
    return this.#conversation.ready();
  }

  /**
   * Sends a one-way message. Copies the head, and of the body nothing if it is an aggregate; the caller keeps
   * its own reference to that and may release or change it at once. A body of other bytes is copied.
   * @returns when the message is on its way; not before the peer has room for it (back-pressure)
   * @throws ERR_IOLITE_ACCESS, ERR_IOLITE_UNSUPPORTED (heap memory), ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE,
   * ERR_IOLITE_CLOSED, ERR_IOLITE_PEER
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
   * Sends a stream: one message, whose `stream` the peer reads. Each piece goes by reference as it comes, no
   * more of them than the peer makes room for by reading. Streams and messages do not hold each other up.
   * @returns when the peer has read all of it
   * @throws what the source failed with; what the peer cancelled it with, with its code; ERR_IOLITE_LIMIT
   *   when the pool is full; the signal's reason; and as {@link send}. The source is ended then, and so is
   *   the stream at the peer
   */
  async sendStream(source: StreamLike, options: SendStreamOptions = {}): Promise<void> {
    this.#conversation.checkOpen();
    await this.#outgoing.send(source, options);
  }

  /**
   * Sets what answers the peer's requests. Those that came before wait for it, up to a MiB of heads; more are
   * refused with ERR_IOLITE_UNSUPPORTED. It is not called while the peer leaves 32 MiB of answers untaken.
   */
  onRequest(handler: RequestHandler): void {
    if (typeof handler !== 'function') {
      throw new ArgumentError(`Cannot answer requests: a function is wanted, ${describe(handler)} was given`);
    }
    this.#receiver.responder.handler = handler;
  }

  /** The peer's one-way messages, in order. Taking them is what lets the peer send more. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#receiver.inbox.iterate();
  }

  /** @internal Tells how the process at the other end ends: for whoever started it. */
  endsWith(end: Promise<PeerEnd>): void {
    this.#loss.endsWith(end);
  }

  /** Lets the process end although the channel is open. */
  unref(): this {
    this.#socket.unref();
    return this;
  }

  /** Keeps the process from ending while the channel is open, as it does at first. */
  ref(): this {
    this.#socket.ref();
    return this;
  }

  /** Delivers what was sent, tells the peer, and resolves when both sides are done. */
  close(): Promise<void> {
    if (this.#conversation.isClosed) return Promise.resolve();
    const done = new Promise<void>(resolve => this.once('close', () => resolve()));
    this.#conversation.beginToClose();
    const reason = new IoliteError('ERR_IOLITE_CLOSED', 'The channel was closed before an answer came');
    this.requester.rejectAll(reason);
    this.#receiver.streams.cancelAll();
    this.#tryToFinish();
    return done;
  }

  /** Ends the channel at once; what is not delivered is lost. */
  destroy(error?: Error): void {
    this.#fail(error ?? new IoliteError('ERR_IOLITE_CLOSED', 'The channel was destroyed'));
  }

  /** For `await using`: see {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
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
    if (this.#conversation.isClosed) return;
    // A peer that reads nothing is told once it does, so that what waits for it does not grow.
    if (!this.#socket.full) this.#receiver.acknowledge();
    if (this.#writer.size === 0) return;
    this.#busyPoll.active();
    if (!this.#socket.write(this.#writer.take())) this.#sender.full = true;
  }

  #drained(): void {
    this.#sender.full = false;
    this.#scheduleFlush();
  }

  // Reading frames

  #received(bytes: Buffer): void {
    this.#busyPoll.active();
    this.#flushes.deliver(() => this.#intake.take(bytes));
  }

  #dispatch(frame: Frame): void {
    if (this.#conversation.isClosed) return;
    if (frame.type === FrameType.CUT) return this.#fail(cutOffError(failureOf(readReason(frame.body, 0))));
    if (this.#conversation.isSilent) return this.#hello(frame);
    switch (frame.type) {
      case FrameType.GRANT:
        return this.#receiver.imports.granted(frame);
      case FrameType.REVOKE:
        return this.#receiver.imports.revoked(frame);
      case FrameType.MESSAGE:
        this.#conversation.checkMessage();
        return this.#receiver.message(frame);
      case FrameType.ACKNOWLEDGE:
        this.#sender.acknowledged(frame);
        return this.#tryToFinish();
      case FrameType.FORGET:
        return this.#exports.forget(frame);
      case FrameType.ASK:
        return this.#exports.asked(frame);
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
  }

  #hello(frame: Frame): void {
    const { quotas, readsQuestions } = readGreeting(frame);
    this.#receiver.imports.mayAsk = readsQuestions;
    this.#sender.quotas = quotas;
    this.#conversation.greeted();
    tellOpen(this);
  }

  #bye(frame: Frame): void {
    this.#conversation.farewell(frame, this.#receiver.streams.open);
    this.#receiver.inbox.end();
    this.requester.rejectAll(
      new IoliteError('ERR_IOLITE_PEER', 'The peer closed the channel before it answered'),
    );
    this.#tryToFinish();
  }

  // Ending

  /**
   * While the channel ends: says BYE once everything is written, and closes once the peer has leased it all
   * and said BYE itself.
   */
  #tryToFinish(): void {
    if (!this.#conversation.isEnding) return;
    if (!this.#sender.drained || !this.#outgoing.idle) return;
    if (this.#conversation.finish()) this.#writer.frame(FrameType.BYE, 0, 0);
    this.#flush();
    if (!this.#isComplete) return;
    this.#tearDown(undefined);
    this.#socket.end();
  }

  /** Whether both sides have said all they had to. */
  get #isComplete(): boolean {
    return this.#conversation.isOver && this.#sender.settled;
  }

  /** The socket ended. That is an accident unless it was time. */
  #ended(): void {
    if (this.#isComplete) this.#tearDown(undefined);
    else this.#loss.lost();
  }

  /** @param tell whether the peer is told why it loses us, if it still listens */
  #fail(error: Error, tell = false): void {
    if (this.#conversation.isClosed) return;
    if (tell && !this.#conversation.isSilent) noteRefusal(error, this.peer);
    if (tell) writeReason(this.#writer, FrameType.CUT, [], error);
    if (tell) this.#socket.write(this.#writer.take());
    this.#tearDown(error);
    this.#socket.destroy();
  }

  #tearDown(error: Error | undefined): void {
    if (this.#conversation.isClosed) return;
    const reason = this.#conversation.close(error);
    tellClosed(this, error);
    this.#sender.end(reason);
    this.#outgoing.end(reason);
    this.#exports.end();
    this.#receiver.end(error, reason);
    closeWithDescriptors(this.#descriptors);
    this.#intake.end();
    this.#busyPoll.end();
    this.emit('close', error);
  }
}
