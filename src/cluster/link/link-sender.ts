import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import { needsCredit, SendWindow } from '../../ipc/flow/send-window.ts';
import { SENT, type WaitingMessage, WaitingMessages } from '../../ipc/flow/waiting-messages.ts';
import type { MessageToSend } from '../../ipc/message-content.ts';
import type { Frame, FrameWriter } from '../../ipc/wire/frame.ts';
import { bytesOfHead, weightToSend } from '../../ipc/wire/head.ts';
import { checkAccepted, type SenderQuotas } from '../../ipc/wire/quotas.ts';
import { weightOfLinkMessage, writeLinkMessage } from './link-message.ts';
import { Underway } from './underway.ts';

/** What the sender needs of its link. */
export interface LinkSenderHost {
  readonly writer: FrameWriter;
  /** Throws unless a body may be brought to the peer, which has greeted us. */
  checkBody(body: Aggregate): void;
  /**
   * Sends a body as a stream. @param open writes what begins the stream of this number
   * @returns when the peer has all of it
   */
  sendBody(body: Aggregate, open: (stream: number) => void): Promise<void>;
  /** Frames were written: see that they leave. */
  wrote(): void;
  /** The peer has received what it was sent. */
  relieved(): void;
}

/** A message made ready to be sent. */
interface OutgoingMessage extends WaitingMessage {
  /** As {@link weightOfLinkMessage} has it. */
  readonly weight: number;
}

/** The sending half of a link: messages that wait for credit, and what is on its way. */
export class LinkSender {
  readonly #host: LinkSenderHost;
  readonly #waiting = new WaitingMessages<OutgoingMessage>({
    mayWrite: message => this.#window.mayWrite(message),
    write: message => this.#write(message),
  });
  readonly #underway = new Underway();
  readonly #window = new SendWindow(this.#underway);
  /** Longer bodies are sent as streams. */
  #inlineBytes = 0;

  constructor(host: LinkSenderHost) {
    this.#host = host;
  }

  /** Whether everything handed in was written. */
  get drained(): boolean {
    return this.#waiting.count === 0;
  }

  /** How many messages wait for credit. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** What the peer has not consumed, and how many messages it has not received. */
  get ahead(): SendWindow['ahead'] {
    return this.#window.ahead;
  }

  /** Whether the peer has received everything that was written. */
  get settled(): boolean {
    return this.#window.settled;
  }

  /** Whether the peer has taken so much of what it was sent that it may be answered more. */
  get mayAnswer(): boolean {
    return this.#waiting.isShort && this.#underway.isShort;
  }

  /** How many streams the peer takes at a time. */
  get maxStreams(): number {
    return this.#window.quotas?.maxStreams ?? Number.POSITIVE_INFINITY;
  }

  /** The answer to a request came: see {@link HeavyCredit}. */
  answered(correlation: number): void {
    this.#window.answered(correlation);
  }

  /** Hands in a message. @returns when it was written: {@link SENT} if that was at once */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void> {
    try {
      if (this.#waiting.ended !== undefined) throw this.#waiting.ended;
      return this.#waiting.send(this.#prepare(kind, correlation, message));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes back a request or a stream's beginning that was not written yet. @returns whether there was one */
  withdraw(kind: number, correlation: number): boolean {
    return this.#waiting.withdraw(kind, correlation);
  }

  /** The peer has greeted us. @param inlineBytes of a body that goes with its message */
  greeted(quotas: SenderQuotas, inlineBytes: number): void {
    this.#window.quotas = quotas;
    this.#inlineBytes = inlineBytes;
    this.pump();
  }

  /** Writes what may be written: answers first, then the rest as far as the peer's credit goes. */
  pump(): void {
    this.#waiting.pump();
    if (this.mayAnswer) this.#host.relieved();
  }

  /** An ACKNOWLEDGE frame: how many messages the peer has received and consumed by now, modulo 2^32. */
  acknowledged(frame: Frame): void {
    this.#window.acknowledged(frame);
    this.pump();
  }

  /** Lets go of everything; what was not written fails with `reason`. */
  end(reason: Error): void {
    this.#waiting.end(reason);
  }

  /** @throws what is wrong with the message */
  #prepare(kind: number, correlation: number, message: MessageToSend): OutgoingMessage {
    if (typeof message !== 'object' || message === null)
      throw new ArgumentError(`Cannot send message: an object is wanted, ${describe(message)} was given`);
    if ('stream' in message && message.stream !== undefined)
      throw new ArgumentError('Cannot send message: a stream is sent with sendStream(), one was given');
    const head = bytesOfHead(message.head);
    const headWeight = weightToSend(head);
    const body = bodyOf(message.body);
    return { kind, correlation, head, body, weight: weightOfLinkMessage(headWeight, body?.length ?? 0) };
  }

  /** Takes over the reference of the body. @returns when it was written, with its body */
  #write(outgoing: OutgoingMessage): Promise<void> {
    const { body, head } = outgoing;
    try {
      const { quotas } = this.#window;
      if (quotas !== undefined) checkAccepted(quotas, head.length, 0, body?.length ?? 0);
      if (body !== undefined) this.#host.checkBody(body);
      if (body !== undefined && body.length > this.#inlineBytes) return this.#stream(outgoing, body);
      this.#encode(outgoing);
    } catch (error) {
      body?.release();
      return Promise.reject(error);
    }
    body?.release();
    return SENT;
  }

  async #stream(outgoing: OutgoingMessage, body: Aggregate): Promise<void> {
    const answerBytes = needsCredit(outgoing.kind) ? 0 : body.length;
    this.#waiting.countAnswer(answerBytes);
    try {
      await this.#host.sendBody(body, stream => this.#encode(outgoing, stream));
    } finally {
      this.#waiting.countAnswer(-answerBytes);
    }
  }

  #encode(outgoing: OutgoingMessage, stream?: number): void {
    const { head, body } = outgoing;
    writeLinkMessage(this.#host.writer, outgoing, stream);
    const isCounted = this.#window.take(outgoing, []);
    this.#underway.add(head.length + (stream === undefined ? (body?.length ?? 0) : 0), isCounted);
    this.#host.wrote();
  }
}

/** A reference of our own to what is to be sent: bytes and strings are copied. */
function bodyOf(content: Content | undefined): Aggregate | undefined {
  if (content === undefined) return undefined;
  if (Aggregate.isAggregate(content)) return content.duplicate();
  const body = Aggregate.empty();
  try {
    return body.append(content);
  } catch (error) {
    body.release();
    throw error;
  }
}
