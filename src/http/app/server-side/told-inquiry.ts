import type { Answer, Recipient, ServerRequest, Underway } from '../../message/exchange.ts';
import { failureAnswer } from '../../message/failure-answer.ts';
import { Inquiry, type InquiryHost } from './app-call.ts';

/** One whose answer, or the answer that says how it failed, is told without a promise. */
export class ToldInquiry extends Inquiry implements Underway {
  readonly #recipient: Recipient;

  constructor(host: InquiryHost, request: ServerRequest, recipient: Recipient) {
    super(host, request);
    this.#recipient = recipient;
  }

  protected override answered(answer: Answer): void {
    this.#recipient.answered(answer);
  }

  protected override failed(error: unknown): void {
    this.#recipient.answered(failureAnswer(error));
  }
}
