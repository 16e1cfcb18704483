import type { Answer, Handler, Recipient, ServerRequest, Underway } from '../message/exchange.ts';

/** Asks handlers one after the other: the first that has an answer gives it. None of them: undefined. */
export class Chain implements Handler {
  readonly #handlers: readonly Handler[];

  constructor(handlers: readonly Handler[]) {
    this.#handlers = handlers;
  }

  /** The first handler's: what it does not have at hand, it has to be asked for before the next one. */
  answerNow(request: ServerRequest): Answer | undefined {
    return this.#handlers[0]?.answerNow?.(request);
  }

  /**
   * The first handler's that does not decline: whether others have to be asked after it, {@link answer} finds
   * out.
   */
  answerTo(request: ServerRequest, recipient: Recipient): Underway | undefined {
    for (const handler of this.#handlers) {
      if (handler.declines?.(request) !== true) return handler.answerTo?.(request, recipient);
    }
    return undefined;
  }

  async answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    for (const handler of this.#handlers) {
      const answer = await handler.answer(request, signal);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }
}
