import type { Answer, Handler, Recipient, ServerRequest, Underway } from '../../http/message/exchange.ts';
import { isStatusPage, type StatusPages } from './status-pages.ts';

/** What a worker answers with: counts requests, and shows the pages of its status besides. */
export class WorkerHandler implements Handler {
  /** Requests so far, those for the status left out. */
  requests = 0;
  readonly #pages: StatusPages;
  readonly #content: Handler;
  /** Fields that say which worker answers. */
  readonly #identity: readonly string[];

  /** @param identify whether answers say which process they are of */
  constructor(pages: StatusPages, content: Handler, identify: boolean) {
    this.#pages = pages;
    this.#content = content;
    this.#identity = identify ? ['X-Iolite-Worker', String(process.pid)] : [];
  }

  answerNow(request: ServerRequest): Answer | undefined {
    if (isStatusPage(request)) return undefined;
    const answer = this.#content.answerNow?.(request);
    if (answer === undefined) return undefined;
    this.requests += 1;
    return this.#identified(answer);
  }

  answerTo(request: ServerRequest, recipient: Recipient): Underway | undefined {
    if (isStatusPage(request)) return undefined;
    const underway = this.#content.answerTo?.(request, this.#identifying(recipient));
    if (underway !== undefined) this.requests += 1;
    return underway;
  }

  async answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    if (isStatusPage(request)) return this.#pages.answer(request);
    this.requests += 1;
    const answer = await this.#content.answer(request, signal);
    return answer === undefined ? undefined : this.#identified(answer);
  }

  #identifying(recipient: Recipient): Recipient {
    if (this.#identity.length === 0) return recipient;
    return { answered: answer => recipient.answered(this.#identified(answer)) };
  }

  #identified(answer: Answer): Answer {
    if (this.#identity.length === 0) return answer;
    return { ...answer, headers: [...answer.headers, ...this.#identity] };
  }
}
