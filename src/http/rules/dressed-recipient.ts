import type { Repeatable } from '../../base/repeatable.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { handlerFailure } from '../message/status-of-error.ts';

/** Adds fields to an answer. Takes over its body. */
export type Dresser = (answer: Answer) => Answer;

/** Told of what a handler failed with. */
export type FailureListener = ((error: unknown, request: ServerRequest) => void) | undefined;

/**
 * Whose answer gets fields on its way: also the 500 that stands for an answer which failed. The same bytes of
 * a request get the same fields: what may be repeated stays so.
 */
export class DressedRecipient implements Recipient, PendingAnswer {
  readonly #request: ServerRequest;
  readonly #recipient: Recipient;
  readonly #dress: Dresser;
  readonly #failed: FailureListener;
  readonly #letsRepeat: boolean;
  #pending: PendingAnswer | undefined;
  #isGivenUp = false;

  constructor(
    request: ServerRequest,
    recipient: Recipient,
    dress: Dresser,
    failed: FailureListener,
    letsRepeat: boolean,
  ) {
    this.#request = request;
    this.#recipient = recipient;
    this.#dress = dress;
    this.#failed = failed;
    this.#letsRepeat = letsRepeat;
  }

  /** Has a handler answer. */
  ask(handler: Handler, request: ServerRequest): PendingAnswer | undefined {
    let pending: PendingAnswer | undefined;
    try {
      pending = handler.answer(request, this);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
    if (pending === undefined) return undefined;
    this.#pending = pending;
    return this;
  }

  get comesSoon(): boolean {
    return this.#pending?.comesSoon === true;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#pending?.giveUp();
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    this.#recipient.answered(this.#dress(answer), this.#letsRepeat ? repeatable : undefined);
  }

  declined(repeatable?: Repeatable): void {
    this.#recipient.declined(this.#letsRepeat ? repeatable : undefined);
  }

  failed(error: unknown): void {
    // Who has left off says so by failing.
    if (this.#isGivenUp) this.#recipient.failed(error);
    else this.answered(handlerFailure(error, this.#request, this.#failed));
  }
}
