import { TimedTask } from '../../../base/deadlines.ts';
import { IoliteError } from '../../../base/error.ts';
import type { Message } from '../../../ipc/message.ts';
import type { PendingRequest } from '../../../ipc/pending-requests.ts';
import { demand } from '../../../observe/demand.ts';
import { releaseBody } from '../../message/body.ts';
import type { Answer, PendingAnswer, Recipient, ServerRequest } from '../../message/exchange.ts';
import type { HeaderList } from '../../message/header-list.ts';
import { failureAnswer } from '../../message/status-of-error.ts';

/** What a call needs of the link that it goes through. */
export interface AppCallHost {
  /**
   * The answer in a message; a promise of one whose body is a stream. @throws ERR_IOLITE_PROTOCOL when it is
   * none
   */
  answerOf(call: AppCall, message: Message): Answer | Promise<Answer>;
  /** Ends the wait for an answer, or for its stream. @returns whether the answer had not come */
  giveUp(call: AppCall): boolean;
  /** Nothing of it is under way any more. */
  over(call: AppCall): void;
  /** The error of an answer that did not come in time. */
  timeoutError(): Error;
}

/**
 * A request at an application, from its sending until it is answered. Its recipient is told a failure, too,
 * by the status that stands for it.
 */
export class AppCall extends TimedTask implements PendingRequest, PendingAnswer {
  /** When it began, in milliseconds; 0 where nobody asks how long requests take. */
  readonly since = demand.durations ? performance.now() : 0;
  /** The channel's number of it. */
  number = 0;
  readonly request: ServerRequest;
  readonly #host: AppCallHost;
  readonly #recipient: Recipient;
  #state: 'open' | 'given up' | 'told' = 'open';
  #ending: AbortController | undefined;

  constructor(host: AppCallHost, request: ServerRequest, recipient: Recipient) {
    super();
    this.#host = host;
    this.request = request;
    this.#recipient = recipient;
  }

  /** Aborted when there will be no answer: to send the rest of the request is for nothing. */
  get ended(): AbortSignal {
    this.#ending ??= new AbortController();
    return this.#ending.signal;
  }

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
    if (this.#state === 'told') return;
    const isWanted = this.#state === 'open';
    this.#state = 'told';
    this.#host.over(this);
    this.#ending?.abort(error);
    if (isWanted) this.#recipient.answered(failureAnswer(error, 'application'));
    else this.#recipient.failed(error);
  }

  /** An interim response came. */
  interim(status: number, headers: HeaderList): void {
    if (this.#state === 'open') this.request.interim?.(status, headers);
  }

  missed(): void {
    this.fail(this.#host.timeoutError());
  }

  /** Its answer is waited for no longer, if it was. */
  fail(error: unknown): void {
    if (this.#host.giveUp(this)) this.reject(error);
  }

  giveUp(): void {
    if (this.#state !== 'open') return;
    this.#state = 'given up';
    this.#ending?.abort(abandoned());
    if (this.#host.giveUp(this)) this.reject(abandoned());
  }

  #give(answer: Answer): void {
    const isWanted = this.#state === 'open';
    this.#state = 'told';
    if (isWanted) {
      this.#recipient.answered(answer);
      return;
    }
    releaseBody(answer.body);
    this.#recipient.failed(abandoned());
  }
}

function abandoned(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'The request was given up');
}
