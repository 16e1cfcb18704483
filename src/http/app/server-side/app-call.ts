import { Due } from '../../../base/deadlines.ts';
import type { Message } from '../../../ipc/message.ts';
import type { AnswerListener } from '../../../ipc/pending-requests.ts';
import { releaseBody } from '../../fast-lane/prepared-answer.ts';
import type { Answer, ServerRequest } from '../../message/exchange.ts';

/** What an inquiry needs of the link that it goes through. */
export interface InquiryHost {
  /**
   * The answer in a message; a promise of one whose body is a stream. @throws ERR_IOLITE_PROTOCOL when it is
   * none
   */
  answerOf(inquiry: Inquiry, message: Message): Answer | Promise<Answer>;
  /** Ends the wait for an answer, or for its stream. @returns whether the answer had not come */
  giveUp(inquiry: Inquiry): boolean;
  /** Nothing of it is under way any more. */
  over(inquiry: Inquiry): void;
  /** The error of an answer that did not come in time. */
  tooLate(): Error;
}

/** A request at an application, from its sending until it is answered. */
export abstract class Inquiry extends Due implements AnswerListener {
  /** The channel's number of it. */
  number = 0;
  readonly request: ServerRequest;
  readonly #host: InquiryHost;
  #isGivenUp = false;
  #isAnswered = false;

  constructor(host: InquiryHost, request: ServerRequest) {
    super();
    this.#host = host;
    this.request = request;
  }

  /** This or {@link failed} is called, once, unless it is given up. */
  protected abstract answered(answer: Answer): void;
  protected abstract failed(error: unknown): void;

  /** The answer came. */
  resolve(message: Message): void {
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.#host.answerOf(this, message);
    } catch (error) {
      this.reject(error);
      return;
    }
    if (answer instanceof Promise) {
      answer.then(
        streamed => this.#give(streamed),
        error => this.reject(error),
      );
      return;
    }
    this.#host.over(this);
    this.#give(answer);
  }

  reject(error: unknown): void {
    this.#isAnswered = true;
    this.#host.over(this);
    if (!this.#isGivenUp) this.failed(error);
  }

  missed(): void {
    this.fail(this.#host.tooLate());
  }

  /** Its answer is waited for no longer, if it was. */
  fail(error: unknown): void {
    if (this.#host.giveUp(this)) this.reject(error);
  }

  /** Nobody wants the answer any more. Once it is answered, that means nothing. */
  giveUp(): void {
    if (this.#isAnswered || this.#isGivenUp) return;
    this.#isGivenUp = true;
    if (this.#host.giveUp(this)) this.#host.over(this);
  }

  #give(answer: Answer): void {
    this.#isAnswered = true;
    if (this.#isGivenUp) releaseBody(answer.body);
    else this.answered(answer);
  }
}
