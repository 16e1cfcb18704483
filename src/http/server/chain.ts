import { ALWAYS_REPEATABLE, type Repeatable, repeatableWhile } from '../../base/repeatable.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';

/** Asks handlers one after the other: the first that has an answer gives it. Declines if none has. */
export class Chain implements Handler {
  readonly letsRepeat = true;
  readonly #handlers: readonly Handler[];

  constructor(handlers: readonly Handler[]) {
    this.#handlers = handlers;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    return new ChainWalk(this.#handlers, request, recipient).walk();
  }
}

/** The way of one request along a chain. */
class ChainWalk implements Recipient, PendingAnswer {
  readonly #handlers: readonly Handler[];
  readonly #request: ServerRequest;
  readonly #recipient: Recipient;
  /** Which handler is asked next. */
  #next = 0;
  /** As long as all that have declined would decline again. */
  #declining: Repeatable | undefined = ALWAYS_REPEATABLE;
  /** Of the handler that was asked last. */
  #pending: PendingAnswer | undefined;
  /** Whether that handler is being called, and may decline at once. */
  #isCalling = false;
  #hasDeclined = false;
  #isGivenUp = false;

  constructor(handlers: readonly Handler[], request: ServerRequest, recipient: Recipient) {
    this.#handlers = handlers;
    this.#request = request;
    this.#recipient = recipient;
  }

  /** Asks the handlers that are left, until one does not decline at once. */
  walk(): PendingAnswer | undefined {
    while (this.#next < this.#handlers.length && !this.#isGivenUp) {
      const handler = this.#handlers[this.#next] as Handler;
      this.#next += 1;
      if (handler.letsRepeat !== true) this.#declining = undefined;
      this.#hasDeclined = false;
      this.#isCalling = true;
      try {
        this.#pending = handler.answer(this.#request, this);
      } finally {
        this.#isCalling = false;
      }
      if (!this.#hasDeclined) return this.#pending === undefined ? undefined : this;
    }
    this.#recipient.declined(this.#declining);
    return undefined;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#pending?.giveUp();
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    const declining = this.#declining;
    const mayRepeat = declining !== undefined && repeatable !== undefined;
    this.#recipient.answered(answer, mayRepeat ? repeatableWhile(declining, repeatable) : undefined);
  }

  declined(repeatable?: Repeatable): void {
    this.#declining = this.#declining && repeatable && repeatableWhile(this.#declining, repeatable);
    if (this.#isCalling) {
      this.#hasDeclined = true;
      return;
    }
    try {
      this.walk();
    } catch (error) {
      this.#recipient.failed(error);
    }
  }

  failed(error: unknown): void {
    this.#recipient.failed(error);
  }
}
