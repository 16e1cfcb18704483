import type { Aggregate } from '../../aggregate/aggregate.ts';
import { Acknowledgements } from '../../ipc/flow/acknowledgements.ts';
import { needsCredit } from '../../ipc/flow/send-window.ts';
import type { StreamWindow } from '../../ipc/flow/stream-window.ts';
import { Inbox } from '../../ipc/inbox.ts';
import type { Message } from '../../ipc/message.ts';
import type { MessageToSend } from '../../ipc/message-content.ts';
import type { Requester } from '../../ipc/requester.ts';
import { Responder } from '../../ipc/responder.ts';
import type { IncomingStream } from '../../ipc/stream/incoming-stream.ts';
import { IncomingStreams } from '../../ipc/stream/incoming-streams.ts';
import { failureOf } from '../../ipc/wire/failure.ts';
import { type Frame, type FrameWriter, MessageKind, protocolError } from '../../ipc/wire/frame.ts';
import { Arrivals } from './arrivals.ts';
import { type IncomingLinkMessage, readLinkMessage } from './link-message.ts';
import type { CheckedLinkOptions } from './link-options.ts';
import { ReceivedBodies } from './received-bodies.ts';

/** What the receiver needs of its link. */
export interface LinkReceiverHost {
  readonly writer: FrameWriter;
  /** Whose requests the peer answers. */
  readonly requester: Requester;
  /** Whether the peer has taken so much of what it was answered that it may be answered more. */
  mayAnswer(): boolean;
  /** Sends an answer. */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void>;
  /** Frames were written, or are to be written when the link flushes. */
  wrote(): void;
  /** The link cannot go on. */
  fail(error: Error): void;
}

/**
 * The receiving half of a link: copies what the peer sends to a pool, hands it to the part that waits for it,
 * in the order of its sending, and acknowledges what was received and consumed.
 */
export class LinkReceiver {
  /** One-way messages. */
  readonly inbox: Inbox<Message>;
  /** Requests. */
  readonly responder: Responder;
  readonly streams: IncomingStreams;
  readonly #host: LinkReceiverHost;
  readonly #options: CheckedLinkOptions;
  readonly #acknowledgements: Acknowledgements;
  readonly #bodies: ReceivedBodies;
  readonly #arrivals = new Arrivals();
  /** Streams that are bodies, of which there is no bound besides that of what they belong to. */
  readonly #bodyStreams: IncomingStreams;
  /** Requests of ours whose answers' bodies are on their way. */
  readonly #answering = new Set<number>();
  /** What messages in the inbox weigh. */
  readonly #weights = new Map<Message, number>();

  constructor(options: CheckedLinkOptions, window: StreamWindow, host: LinkReceiverHost) {
    this.#host = host;
    this.#options = options;
    const { quotas, pool } = options;
    const wrote = (): void => host.wrote();
    this.#bodies = new ReceivedBodies(pool);
    this.#acknowledgements = new Acknowledgements(wrote, quotas.maxMessages);
    this.inbox = new Inbox(message => this.#taken(message));
    this.responder = new Responder({
      send: (kind, correlation, message) => host.send(kind, correlation, message),
      answered: weight => this.#acknowledgements.consumed(weight),
      mayAnswer: () => host.mayAnswer(),
    });
    this.streams = new IncomingStreams(host.writer, wrote, quotas, window);
    this.#bodyStreams = new IncomingStreams(
      host.writer,
      wrote,
      { maxStreams: Number.POSITIVE_INFINITY },
      window,
    );
  }

  /** Streams that the peer has not ended, those among them that are bodies. */
  get openStreams(): number {
    return this.streams.open + this.#bodyStreams.open;
  }

  /** A MESSAGE frame. @throws ERR_IOLITE_PROTOCOL, ERR_IOLITE_LIMIT */
  message(frame: Frame): void {
    const message = readLinkMessage(frame, this.#options.quotas, this.#admit);
    this.#acknowledgements.leased();
    const { kind } = message;
    if (kind > MessageKind.STREAM) return this.#streamed(message);
    if (kind === MessageKind.STREAM) return this.#begin(message);
    if (message.stream !== undefined) return this.#expect(message, this.#openBody(message.stream));
    const { body } = message;
    if (body === undefined) return this.#pass(message, undefined);
    let copy: Aggregate;
    try {
      copy = this.#bodies.copy(body);
    } catch (error) {
      return this.#refuse(message, error as Error);
    }
    this.#pass(message, copy);
  }

  /** Everything that came at once was dealt with. */
  settle(): void {
    this.#bodies.settle();
  }

  /** Writes what the peer was not told yet of what was received and consumed here. */
  acknowledge(): void {
    this.streams.writeCredits();
    this.#bodyStreams.writeCredits();
    this.#acknowledgements.write(this.#host.writer);
  }

  /**
   * The link is closed: whoever waits for something of the peer is told, and what it sent is let go of.
   * @param error the accident, if it was one
   * @param reason what is told: the same, or that the link is closed
   */
  end(error: Error | undefined, reason: Error): void {
    this.#arrivals.end();
    this.streams.end(reason);
    this.#bodyStreams.end(reason);
    this.responder.end(reason);
    this.#host.requester.rejectAll(reason);
    this.inbox.end(error);
    this.#weights.clear();
    this.#bodies.settle();
  }

  readonly #admit = (kind: number, weight: number): void => {
    if (needsCredit(kind)) this.#acknowledgements.admit(weight);
  };

  #openBody(stream: number): IncomingStream {
    if (this.streams.get(stream) !== undefined) throw protocolError(`stream ${stream} was opened twice`);
    return this.#bodyStreams.opened(stream);
  }

  /** A piece of a stream, or its end. */
  #streamed({ kind, correlation, head, body }: IncomingLinkMessage): void {
    const streams = this.#bodyStreams.get(correlation) === undefined ? this.streams : this.#bodyStreams;
    const stream = streams.get(correlation);
    if (body === undefined || stream === undefined || stream.over)
      // What is wrong with it is found there; what nobody reads any more is not copied.
      return body !== undefined && stream !== undefined && kind === MessageKind.PIECE
        ? undefined
        : streams.deliver(kind, correlation, head === undefined ? {} : { head });
    let piece: Aggregate;
    try {
      piece = this.#bodies.copy(body);
    } catch (error) {
      return stream.cancel(error);
    }
    streams.deliver(kind, correlation, { ...(head === undefined ? {} : { head }), body: piece });
  }

  /** A message that is here as a whole. */
  #pass(message: IncomingLinkMessage, body: Aggregate | undefined): void {
    if (!needsCredit(message.kind)) return this.#answer(message, body);
    this.#arrivals.pass(body, whole => this.#deliver(message, whole));
  }

  /** A message whose body comes as a stream. */
  #expect(message: IncomingLinkMessage, stream: IncomingStream): void {
    const { kind, bodyLength } = message;
    if (!needsCredit(kind)) return this.#expectAnswer(message, stream);
    const arrival = this.#arrivals.expect(whole => this.#deliver(message, whole));
    this.#bodies.collect(stream, bodyLength).then(
      body => this.#guarded(() => arrival.complete(body)),
      error => this.#guarded(() => arrival.fail(() => this.#refuse(message, error))),
    );
  }

  #expectAnswer(message: IncomingLinkMessage, stream: IncomingStream): void {
    const { correlation, bodyLength } = message;
    if (this.#answering.has(correlation)) throw protocolError(`it answered request ${correlation} twice`);
    if (!this.#host.requester.isWaiting(correlation)) {
      stream.cancel();
      return this.#answer(message, undefined);
    }
    this.#answering.add(correlation);
    this.#bodies.collect(stream, bodyLength).then(
      body =>
        this.#guarded(() => {
          this.#answering.delete(correlation);
          this.#answer(message, body);
        }),
      error =>
        this.#guarded(() => {
          this.#answering.delete(correlation);
          this.#refuse(message, error);
        }),
    );
  }

  /** Runs what the peer's fault may make throw, apart from its frames. */
  #guarded(deliver: () => void): void {
    try {
      deliver();
    } catch (error) {
      this.#host.fail(error as Error);
    }
  }

  #deliver(message: IncomingLinkMessage, body: Aggregate | undefined): void {
    const { kind, correlation, weight } = message;
    const content = contentOf(message, body);
    if (kind === MessageKind.REQUEST) this.responder.request(correlation, content, weight);
    else this.#push(content, weight);
  }

  /** The beginning of a stream, whose pieces may be here before the program is told of it. */
  #begin(message: IncomingLinkMessage): void {
    const { correlation, weight, bodyLength } = message;
    if (bodyLength > 0 || this.#bodyStreams.get(correlation) !== undefined)
      throw protocolError(`stream ${correlation} has a body, or was opened twice`);
    const stream = this.streams.opened(correlation);
    this.#arrivals.pass(undefined, () => this.#push({ ...contentOf(message, undefined), stream }, weight));
  }

  #push(message: Message, weight: number): void {
    this.#weights.set(message, weight);
    this.inbox.push(message);
  }

  #taken(message: Message): void {
    this.#acknowledgements.consumed(this.#weights.get(message));
    this.#weights.delete(message);
  }

  #answer(message: IncomingLinkMessage, body: Aggregate | undefined): void {
    const { kind, correlation, head } = message;
    const { requester } = this.#host;
    if (kind === MessageKind.RESPONSE) return requester.answered(correlation, contentOf(message, body));
    body?.release();
    requester.failed(correlation, failureOf(head));
  }

  /** The body of a message could not be kept. A request fails with that, and the link with a message. */
  #refuse({ kind, correlation, weight }: IncomingLinkMessage, error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    const isOurs = code === 'ERR_IOLITE_LIMIT' || code === 'ERR_IOLITE_CLOSED';
    if (isOurs && kind === MessageKind.REQUEST) this.responder.refuse(correlation, weight, error);
    else if (kind === MessageKind.RESPONSE) this.#host.requester.failed(correlation, error);
    else throw error;
  }
}

function contentOf({ head }: IncomingLinkMessage, body: Aggregate | undefined): Message {
  return { ...(head === undefined ? {} : { head }), ...(body === undefined ? {} : { body }) };
}
