import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Content } from '../../aggregate/byte-sequence.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import { Credit } from '../../ipc/flow/credit.ts';
import { HeavyCredit } from '../../ipc/flow/heavy-credit.ts';
import type { MessageToSend } from '../../ipc/message-content.ts';
import { needsCredit, SENT } from '../../ipc/sender.ts';
import {
  checkLength,
  type Frame,
  type FrameWriter,
  MessageKind,
  protocolError,
} from '../../ipc/wire/frame.ts';
import { bytesOfHead, weightToSend } from '../../ipc/wire/head.ts';
import { checkAccepted, type SenderQuotas } from '../../ipc/wire/quotas.ts';
import { weightOfLinkMessage, writeLinkMessage } from './link-message.ts';
import { Underway } from './underway.ts';

/** Bytes of answers that wait to be written from which on no request is taken up. */
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;

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

/** A message made ready to be sent. Holds a reference of its own to the body, if that is an aggregate. */
interface OutgoingMessage {
  readonly kind: number;
  readonly correlation: number;
  /** JSON, empty for no head. */
  readonly head: Buffer;
  readonly body: Aggregate | undefined;
  readonly weight: number;
  /** Whoever waits for it, if it could not be written at once. */
  sent?: () => void;
  failed?: (error: Error) => void;
}

/** The sending half of a link: messages that wait for credit, and what is on its way. */
export class LinkSender {
  readonly #host: LinkSenderHost;
  /** One-way messages, requests and streams, which need credit. */
  readonly #messages: OutgoingMessage[] = [];
  /** Answers, which need none, and pieces, which have their own. */
  readonly #answers: OutgoingMessage[] = [];
  /** Bytes of these, and of answers whose bodies are under way. */
  #answerBytes = 0;
  readonly #underway = new Underway();
  readonly #credit = new Credit();
  readonly #heavyCredit = new HeavyCredit();
  /** Messages that the peer has received and not consumed, of those that need credit. */
  #unconsumed = 0;
  #peerReceived = 0;
  #ended: Error | undefined;
  /** What the peer takes. Nothing is sent before it has said so. */
  #quotas: SenderQuotas | undefined;
  /** Longer bodies are sent as streams. */
  #inlineBytes = 0;

  constructor(host: LinkSenderHost) {
    this.#host = host;
  }

  /** Whether everything handed in was written. */
  get drained(): boolean {
    return this.waiting === 0;
  }

  /** How many messages wait for credit. */
  get waiting(): number {
    return this.#messages.length + this.#answers.length;
  }

  /** What the peer has not consumed, and how many messages it has not received. */
  get ahead(): { readonly messages: number; readonly bytes: number; readonly unleased: number } {
    return { ...this.#credit.used, unleased: this.#underway.count };
  }

  /** Whether the peer has received everything that was written. */
  get settled(): boolean {
    return this.#underway.count === 0;
  }

  /** Whether the peer has taken so much of what it was sent that it may be answered more. */
  get mayAnswer(): boolean {
    return this.#answerBytes < MAX_ANSWER_BYTES && this.#underway.isShort;
  }

  /** How many streams the peer takes at a time. */
  get maxStreams(): number {
    return this.#quotas?.maxStreams ?? Number.POSITIVE_INFINITY;
  }

  /** The answer to a request came: see {@link HeavyCredit}. */
  answered(correlation: number): void {
    this.#heavyCredit.answered(correlation);
  }

  /** Hands in a message. @returns when it was written: {@link SENT} if that was at once */
  send(kind: number, correlation: number, message: MessageToSend): Promise<void> {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const outgoing = this.#prepare(kind, correlation, message);
      const queue = needsCredit(kind) ? this.#messages : this.#answers;
      if (queue.length === 0 && this.#mayWrite(outgoing)) return this.#write(outgoing);
      queue.push(outgoing);
      if (queue === this.#answers) this.#answerBytes += bytesOf(outgoing);
      return new Promise((sent, failed) => {
        outgoing.sent = sent;
        outgoing.failed = failed;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes back a request or a stream's beginning that was not written yet. @returns whether there was one */
  withdraw(kind: number, correlation: number): boolean {
    const position = this.#messages.findIndex(o => o.kind === kind && o.correlation === correlation);
    if (position === -1) return false;
    for (const { body } of this.#messages.splice(position, 1)) body?.release();
    return true;
  }

  /** The peer has greeted us. @param inlineBytes of a body that goes with its message */
  greeted(quotas: SenderQuotas, inlineBytes: number): void {
    this.#quotas = quotas;
    this.#inlineBytes = inlineBytes;
    this.pump();
  }

  /** Writes what may be written: answers first, then the rest as far as the peer's credit goes. */
  pump(): void {
    this.#drain(this.#answers);
    this.#drain(this.#messages);
    if (this.mayAnswer) this.#host.relieved();
  }

  /** An ACKNOWLEDGE frame: how many messages the peer has received and consumed by now, modulo 2^32. */
  acknowledged(frame: Frame): void {
    checkLength(frame, 8);
    const receivedByNow = frame.bytes.readUInt32LE(frame.start);
    const received = (receivedByNow - this.#peerReceived) >>> 0;
    if (received > this.#underway.count) throw protocolError('it acknowledged messages that were never sent');
    const consumed = this.#credit.consumed(frame.bytes.readUInt32LE(frame.start + 4));
    this.#peerReceived = receivedByNow;
    this.#unconsumed += this.#underway.received(received) - consumed;
    if (this.#unconsumed < 0) throw protocolError('it consumed messages that it had not received');
    this.#heavyCredit.consumed(consumed);
    this.pump();
  }

  /** Lets go of everything; what was not written fails with `reason`. */
  end(reason: Error): void {
    this.#ended = reason;
    this.#answerBytes = 0;
    for (const { body, failed } of [...this.#answers.splice(0), ...this.#messages.splice(0)]) {
      body?.release();
      failed?.(reason);
    }
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

  #mayWrite({ kind, weight }: OutgoingMessage): boolean {
    if (this.#quotas === undefined) return false;
    if (!needsCredit(kind)) return kind !== MessageKind.PIECE || this.#underway.isShort;
    return this.#credit.isLeft(this.#quotas.maxMessages) && this.#heavyCredit.isLeft(weight);
  }

  #drain(queue: OutgoingMessage[]): void {
    for (;;) {
      const [first] = queue;
      if (first === undefined || !this.#mayWrite(first)) return;
      queue.shift();
      if (queue === this.#answers) this.#answerBytes -= bytesOf(first);
      const { sent, failed } = first;
      const written = this.#write(first);
      if (written === SENT) sent?.();
      else written.then(sent, failed);
    }
  }

  /** Takes over the reference of the body. @returns when it was written, with its body */
  #write(outgoing: OutgoingMessage): Promise<void> {
    const { body, head } = outgoing;
    try {
      if (this.#quotas !== undefined) checkAccepted(this.#quotas, head.length, 0, body?.length ?? 0);
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
    this.#answerBytes += answerBytes;
    try {
      await this.#host.sendBody(body, stream => this.#encode(outgoing, stream));
    } finally {
      if (this.#ended === undefined) this.#answerBytes -= answerBytes;
    }
  }

  #encode(outgoing: OutgoingMessage, stream?: number): void {
    const { kind, correlation, head, body, weight } = outgoing;
    writeLinkMessage(this.#host.writer, outgoing, stream);
    const isCounted = needsCredit(kind);
    if (isCounted) {
      this.#credit.take([]);
      this.#heavyCredit.take(weight, kind === MessageKind.REQUEST ? correlation : undefined);
    }
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

function bytesOf({ head, body }: OutgoingMessage): number {
  return head.length + (body?.length ?? 0);
}
