import type { Repeatable } from '../../base/repeatable.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';

/** Asks handlers one after the other: the first that has an answer gives it. Declines if none has. */
export class Chain implements Handler {
  readonly letsRepeat = true;
  readonly takesUpgrades: boolean;
  readonly #handlers: readonly Handler[];

  constructor(handlers: readonly Handler[]) {
    this.#handlers = handlers;
    this.takesUpgrades = handlers.some(({ takesUpgrades }) => takesUpgrades === true);
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
  /** Whether all that were asked let what they say be repeated. */
  #letRepeat = true;
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
      this.#letRepeat &&= handler.letsRepeat === true;
      this.#hasDeclined = false;
      this.#isCalling = true;
      try {
        this.#pending = handler.answer(this.#request, this);
      } finally {
        this.#isCalling = false;
      }
      if (!this.#hasDeclined) return this.#pending === undefined ? undefined : this;
    }
    this.#recipient.declined();
    return undefined;
  }

  get comesSoon(): boolean {
    return this.#pending?.comesSoon === true;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#pending?.giveUp();
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    this.#recipient.answered(answer, this.#letRepeat ? repeatable : undefined);
  }

  declined(): void {
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
