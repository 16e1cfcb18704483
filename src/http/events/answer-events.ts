import { type AnswerListener, type AnswerReport, joinListeners } from '../message/answer-report.ts';
import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { RequestWithFields } from './request-with-fields.ts';
import { answerFinish, answerStart, WatchedAnswer } from './watched-answer.ts';

/**
 * The events of a server's answers (`iolite:answer:*`). It asks its handler and tells its listener by what is
 * here: they are the very ones as long as nobody has subscribed, so that a request costs a look or two.
 */
export class AnswerEvents implements Handler, AnswerListener {
  readonly letsRepeat = false;
  readonly takesUpgrades: boolean;
  readonly wantsDuration = true;
  readonly #handler: Handler;
  readonly #listener: AnswerListener | undefined;
  readonly #joined: AnswerListener;
  readonly #lane: 'lane' | 'http2' | 'node';
  readonly #observed = new WeakMap<ServerRequest, WatchedAnswer>();

  constructor(handler: Handler, listener: AnswerListener | undefined, lane: 'lane' | 'http2' | 'node') {
    this.#handler = handler;
    this.#listener = listener;
    this.#joined = joinListeners(listener === undefined ? [this] : [listener, this]) as AnswerListener;
    this.#lane = lane;
    this.takesUpgrades = handler.takesUpgrades === true;
  }

  /** Whom to ask. */
  get handler(): Handler {
    return answerStart.hasSubscribers ? this : this.#handler;
  }

  /** Whom to tell. */
  get listener(): AnswerListener | undefined {
    return answerFinish.hasSubscribers ? this.#joined : this.#listener;
  }

  /** Whether an answer may be given again without asking. */
  get mayRepeat(): boolean {
    return !answerStart.hasSubscribers;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const observed = new WatchedAnswer(request, this.#lane, recipient);
    this.#observed.set(request, observed);
    const ask = (): void => {
      observed.pending = this.#handler.answer(seenRequest(observed), observed);
    };
    try {
      answerStart.runStores(observed, () => {
        if (observed.around === undefined) ask();
        else observed.around(ask);
      });
    } catch (error) {
      observed.fail(error);
      throw error;
    }
    return observed.pending === undefined ? undefined : observed;
  }

  answered(report: AnswerReport): void {
    // Of what is repeated the request is made when it is asked for.
    const { isRepeated = false } = report;
    const started = isRepeated ? undefined : this.#observed.get(report.request);
    const observed = started ?? new WatchedAnswer(report.request, this.#lane, undefined);
    observed.report(report);
  }
}

function seenRequest({ request, fields }: WatchedAnswer): ServerRequest {
  return fields === undefined ? request : new RequestWithFields(request, fields);
}
