import type { AnswerListener, AnswerReport } from '../../http/message/answer-report.ts';
import { isStatusPage } from './status-pages.ts';

/** Counts what a worker answers, without the pages of its status. */
export class RequestCounter implements AnswerListener {
  readonly wantsDuration = false;
  #requests = 0;

  /** Requests so far. */
  get requests(): number {
    return this.#requests;
  }

  answered({ request }: AnswerReport): void {
    if (!isStatusPage(request)) this.#requests += 1;
  }
}
