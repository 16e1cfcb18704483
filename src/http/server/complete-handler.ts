import type { Answer, Handler, Recipient, ServerRequest, Underway } from '../message/exchange.ts';
import { statusAnswer } from '../message/status-answer.ts';

/** A handler that has an answer to everything: 404 where another has none, and 500 where it throws. */
export class CompleteHandler implements Handler {
  readonly #handler: Handler;
  readonly #failed: (error: unknown, request: ServerRequest) => void;

  /** @param failed told what the other throws, which is a bug of it */
  constructor(handler: Handler, failed: (error: unknown, request: ServerRequest) => void) {
    this.#handler = handler;
    this.#failed = failed;
  }

  answerNow(request: ServerRequest): Answer | undefined {
    try {
      return this.#handler.answerNow?.(request);
    } catch (error) {
      this.#failed(error, request);
      return statusAnswer(500);
    }
  }

  answerTo(request: ServerRequest, recipient: Recipient): Underway | undefined {
    try {
      return this.#handler.answerTo?.(request, recipient);
    } catch (error) {
      this.#failed(error, request);
      // Whether it has answered nevertheless, or will, nobody knows: the connection had better end.
      throw error;
    }
  }

  async answer(request: ServerRequest, signal: AbortSignal): Promise<Answer> {
    try {
      return (await this.#handler.answer(request, signal)) ?? statusAnswer(404);
    } catch (error) {
      signal.throwIfAborted();
      this.#failed(error, request);
      return statusAnswer(500);
    }
  }
}
