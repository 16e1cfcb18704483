import type { Answer, ServerRequest } from '../../message/exchange.ts';
import { Inquiry, type InquiryHost } from './app-call.ts';

/** One whose answer is a promise, and that is given up by a signal. */
export class PromisedInquiry extends Inquiry {
  readonly answer: Promise<Answer>;
  readonly #signal: AbortSignal;
  readonly #ending = new AbortController();
  #resolve!: (answer: Answer) => void;
  #reject!: (error: unknown) => void;

  /** @param signal gives it up: the answer fails with its reason then */
  constructor(host: InquiryHost, request: ServerRequest, signal: AbortSignal) {
    super(host, request);
    this.#signal = signal;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Aborted when there will be no answer: to send the rest of the request is for nothing. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  protected override answered(answer: Answer): void {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#resolve(answer);
  }

  protected override failed(error: unknown): void {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#ending.abort(error);
    this.#reject(error);
  }

  readonly #abort = (): void => {
    this.giveUp();
    this.failed(this.#signal.reason);
  };
}
