import type {
  Answer,
  Handler,
  PendingAnswer,
  Recipient,
  ServerRequest,
} from '../../http/message/exchange.ts';

/** Says of each answer of another handler which process gave it: for tests, and to find out who is slow. */
export class IdentifiedHandler implements Handler {
  readonly takesUpgrades: boolean;
  readonly #handler: Handler;
  readonly #identity = ['X-Iolite-Worker', String(process.pid)];

  constructor(handler: Handler) {
    this.#handler = handler;
    this.takesUpgrades = handler.takesUpgrades === true;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    return this.#handler.answer(request, {
      answered: answer => recipient.answered(this.#identified(answer)),
      declined: () => recipient.declined(),
      failed: error => recipient.failed(error),
    });
  }

  #identified(answer: Answer): Answer {
    return { ...answer, headers: [...answer.headers, ...this.#identity] };
  }
}
