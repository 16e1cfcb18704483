import { Aggregate } from '../../aggregate/aggregate.ts';
import { ReaderPace } from '../../network/reader-pace.ts';
import { closedEarly } from '../../network/send-errors.ts';
import { releaseSendParts } from '../../network/send-parts.ts';
import { FIRST_COPY_BYTES, LARGE_BODY_BYTES } from '../../network/socket-sender.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import { type BodyStream, isStream } from '../message/body.ts';
import type { ServerRequest } from '../message/exchange.ts';
import { DeliveryReports, type RepeatedTo } from './delivery-report.ts';
import type { LaneLink, PacedSend } from './lane-link.ts';
import { type Outbox, STEP_BYTES, type Unsent } from './outbox.ts';
import { type PreparedAnswer, sendPrepared } from './prepared-answer.ts';
import type { RepeatedAnswers } from './repeated-answers.ts';

/** Whose answers they are. */
export interface SendingHost extends RepeatedTo {
  readonly link: LaneLink;
  /** Called when something begins or ends to wait for the client. */
  moved(): void;
}

/** Who is told of answers now. */
interface Told {
  readonly listener: AnswerListener | undefined;
}

/** The answers of a connection of the fast lane, on their way into its socket. */
export class LaneSending {
  readonly #host: SendingHost;
  readonly #outbox: Outbox;
  /** Of the answers, where somebody is told of them. */
  readonly #told: Told;
  #ownReports: DeliveryReports | undefined;
  readonly #pace = new ReaderPace();
  #sending: PacedSend | undefined;
  #takenThen = 0;
  /** A body that comes piece by piece, while it is sent. */
  #stream: AsyncIterator<Aggregate> | undefined;
  #comesSoon = false;
  #isGivenUp = false;

  /** @param told has who is told of every answer, if anybody is to be */
  constructor(host: SendingHost, outbox: Outbox, told: Told) {
    this.#host = host;
    this.#outbox = outbox;
    this.#told = told;
  }

  /** Who listens may change between answers: what is on its way is told to who did when it left. */
  get #reports(): DeliveryReports | undefined {
    const { listener } = this.#told;
    const reports = this.#ownReports;
    if (reports?.listener !== listener && reports?.isUnderway !== true)
      this.#ownReports = listener && new DeliveryReports(listener);
    return this.#ownReports;
  }

  /** Whether something waits for the client to take it. */
  get isUnderway(): boolean {
    return this.#sending !== undefined;
  }

  /** Whether the client has taken something since this was last asked. */
  hasProgressed(): boolean {
    const sending = this.#sending;
    if (sending === undefined || sending.taken === this.#takenThen) return false;
    this.#takenThen = sending.taken;
    return true;
  }

  /**
   * The client takes no more: whoever makes a body piece by piece is told so, and no further piece is sent.
   * @returns whether a piece is waited for that nobody wants
   */
  giveUp(): boolean {
    const stream = this.#stream;
    if (stream === undefined) return false;
    this.#isGivenUp = true;
    stream.return?.()?.catch(() => {});
    return !this.isUnderway;
  }

  /**
   * The client has ended its side, and may be gone.
   * @returns as {@link giveUp}, unless the next piece comes soon
   */
  clientEnded(): boolean {
    return this.#comesSoon ? false : this.giveUp();
  }

  /** The client asks for more: it has read what it got. */
  caughtUp(): void {
    this.#pace.caughtUp();
  }

  /** Requests are there, to which the next answers are. */
  begin(): void {
    this.#reports?.begin();
  }

  /**
   * Whether an answer may leave as fast as the socket takes it: a large one that takes memory while it waits
   * to who reads as fast only.
   */
  mayRepeat({ bodyBytes, isReferred }: RepeatedAnswers): boolean {
    const takesNone = isReferred && !this.#host.link.secure;
    return bodyBytes <= LARGE_BODY_BYTES || takesNone || this.#pace.isFast;
  }

  /**
   * Sends an answer that is repeated, when nothing else is on its way.
   * @returns as {@link send}
   */
  sendRepeated(answer: RepeatedAnswers): Unsent | undefined {
    const sent = answer.send(this.#host.link);
    if (sent === undefined) {
      this.#reports?.repeated(answer.status, answer.bodyBytes, answer.method, this.#host);
      return undefined;
    }
    const { status, bodyBytes } = answer;
    const parts = answer.parts();
    this.#reports?.add(this.#host.requestOfRepeated(), status, [parts[0]], bodyBytes);
    return { parts, sent, isFull: true };
  }

  /** Puts an answer, whose body is no stream, behind those that leave together. */
  add(request: ServerRequest, { status, head, body }: PreparedAnswer): void {
    const whole = body as Aggregate | undefined;
    this.#reports?.add(request, status, head, whole?.length ?? 0);
    this.#outbox.add(head, whole);
  }

  /** Sends what was added. @returns what the socket had no room for, for {@link finish} */
  send(): Unsent | undefined {
    const outbox = this.#outbox;
    if (outbox.size === 0) return undefined;
    const mayBeSlow = !this.#pace.isFast && outbox.size > LARGE_BODY_BYTES;
    const left = outbox.send(this.#host.link, mayBeSlow ? FIRST_COPY_BYTES : STEP_BYTES);
    if (left === undefined) this.#reports?.settle();
    return left;
  }

  /** Sends the rest. @throws what the socket failed with */
  async finish({ parts, sent, isFull }: Unsent): Promise<void> {
    try {
      await this.#send(parts, sent, isFull);
      this.#reports?.settle();
    } catch (error) {
      this.#reports?.settle(this.#takenThen);
      throw error;
    }
  }

  /**
   * Sends an answer behind what Node's socket has, its body piece by piece if it is a stream. @throws what
   * either failed with
   */
  async sendParts(request: ServerRequest, answer: PreparedAnswer): Promise<void> {
    const { status, head } = answer;
    const body = isStream(answer.body) ? this.#watched(answer.body) : answer.body;
    // A stream is counted by whole parts, for the bytes around them are none of the body's.
    if (isStream(body)) this.#reports?.add(request, status, [], Number.POSITIVE_INFINITY);
    else this.#reports?.add(request, status, head, body?.length ?? 0);
    let streamed = 0;
    const count = (length: number): void => {
      streamed += length;
    };
    try {
      await sendPrepared({ ...answer, body }, parts => this.#sendWanted(parts), count);
    } finally {
      this.#stream = undefined;
      this.#reports?.settle(isStream(body) ? streamed : this.#takenThen);
    }
  }

  /** The same stream, known here until it is sent. */
  #watched(body: BodyStream): BodyStream {
    this.#comesSoon = body.comesSoon === true;
    const stream = body[Symbol.asyncIterator]();
    this.#stream = stream;
    return { [Symbol.asyncIterator]: () => stream };
  }

  async #sendWanted(parts: readonly (Buffer | Aggregate)[]): Promise<void> {
    if (!this.#isGivenUp) return this.#send(parts);
    for (const part of parts) if (Aggregate.isAggregate(part)) part.release();
    throw closedEarly();
  }

  #send(parts: readonly (Buffer | Aggregate)[], skip = 0, isFull = false): Promise<void> {
    if (this.#host.link.isBroken) {
      releaseSendParts(parts);
      return Promise.reject(closedEarly());
    }
    return new Promise<void>((sent, failed) => {
      this.#host.moved();
      const { isFast } = this.#pace;
      const rest = { parts, mode: 'auto', skip, isFull, isFast, sent, failed } as const;
      this.#sending = this.#host.link.pace(rest);
      if (this.#sending === undefined) {
        releaseSendParts(parts);
        failed(closedEarly());
        return;
      }
      this.#takenThen = this.#sending.taken;
      this.#sending.start();
    }).finally(() => {
      this.#takenThen = this.#sending?.taken ?? 0;
      this.#pace.sent(this.#sending?.keptUp);
      this.#sending = undefined;
      this.#host.moved();
    });
  }
}
