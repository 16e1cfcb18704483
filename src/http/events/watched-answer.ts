import { type AnswerEvent, eventChannel } from '../../observe/events.ts';
import type { AnswerReport } from '../message/answer-report.ts';
import type { Answer, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';

export const answerStart = eventChannel('iolite:answer:start');
const answerError = eventChannel('iolite:answer:error');
export const answerFinish = eventChannel('iolite:answer:finish');

/** A request that somebody watches, from its start to its finish. */
export class WatchedAnswer implements AnswerEvent, Recipient, PendingAnswer {
  readonly request: ServerRequest;
  readonly lane: AnswerEvent['lane'];
  status: number | undefined;
  bytes = 0;
  duration = 0;
  isRepeated = false;
  error: unknown;
  around: AnswerEvent['around'];
  /** Fields in place of those of the request, by their names in lower case. */
  fields: Map<string, readonly [name: string, value: string]> | undefined;
  /** The handler's, and who asked it. */
  pending: PendingAnswer | undefined;
  readonly #recipient: Recipient | undefined;
  readonly #since = performance.now();
  #isGivenUp = false;
  #isOver = false;

  /** @param recipient undefined: no handler was asked, or nobody watched then */
  constructor(request: ServerRequest, lane: AnswerEvent['lane'], recipient: Recipient | undefined) {
    this.request = request;
    this.lane = lane;
    this.#recipient = recipient;
  }

  setHeader(name: string, value: string): void {
    this.fields ??= new Map();
    this.fields.set(name.toLowerCase(), [name, value]);
  }

  /** Its way has ended. */
  report({ status, bytes, duration, isRepeated = false }: AnswerReport): void {
    this.status = status;
    this.bytes = bytes;
    this.duration = duration;
    this.isRepeated = isRepeated;
    this.#finish();
  }

  // For the handler

  /** Nothing is repeated: who watches wants to see each. */
  answered(answer: Answer): void {
    // Perhaps nobody takes it, and tells of it.
    if (this.#isGivenUp) this.#leave(answer.status);
    this.#recipient?.answered(answer);
  }

  declined(): void {
    this.#recipient?.declined();
  }

  failed(error: unknown): void {
    // Who has left off says so by failing.
    if (this.#isGivenUp) this.#leave(undefined);
    else this.fail(error);
    this.#recipient?.failed(error);
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.error = error;
    answerError.publish(this);
  }

  // For who has asked

  get comesSoon(): boolean {
    return this.pending?.comesSoon === true;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.pending?.giveUp();
  }

  #leave(status: number | undefined): void {
    this.status = status;
    this.duration = performance.now() - this.#since;
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    answerFinish.publish(this);
  }
}
