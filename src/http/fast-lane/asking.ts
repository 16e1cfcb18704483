import type { Answer, Handler } from '../exchange.ts';
import type { LaneRequest } from './lane-request.ts';
import { failure } from './prepared-answer.ts';

/** Who wants an answer. One of the first three is called, once. */
export interface Asker {
  /** @param isFailure the answer stands for one that the handler failed to give: the connection ends with it */
  answered(answer: Answer, isFailure: boolean): void;
  /** The handler leaves the request to somebody else. */
  declined(): void;
  /** It was given up. */
  givenUp(): void;
  /** Hints go ahead of the answer. */
  hinted(links: readonly string[]): void;
}

/** A request that a handler answers in its own time, until it has, or nobody wants the answer any more. */
export class Asking {
  readonly #asker: Asker;
  #isOver = false;
  #mayDecline = false;
  #giveUp: (() => void) | undefined;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** Whether the handler may still leave the request to somebody else. */
  get mayDecline(): boolean {
    return this.#mayDecline;
  }

  /** Call it once. */
  ask(handler: Handler, request: LaneRequest): void {
    try {
      const giveUp = handler.answerTo?.(request, answer => this.#answered(answer, false));
      if (giveUp === undefined) void this.#wait(handler, request);
      else {
        this.#giveUp = () => {
          this.#isOver = true;
          this.#asker.givenUp();
          giveUp();
        };
      }
    } catch {
      this.#answered(failure(), true);
    }
  }

  /** Tells whoever answers that the client is gone, once; not when it has answered. */
  giveUp(): void {
    const giveUp = this.#giveUp;
    this.#giveUp = undefined;
    if (!this.#isOver) giveUp?.();
  }

  async #wait(handler: Handler, request: LaneRequest): Promise<void> {
    const aborter = new AbortController();
    this.#giveUp = () => aborter.abort();
    this.#mayDecline = true;
    request.earlyHints = links => {
      if (!this.#isOver && links.length > 0) this.#asker.hinted(links);
    };
    let answer: Answer | undefined;
    try {
      answer = await handler.answer(request, aborter.signal);
    } catch {
      if (!aborter.signal.aborted) return this.#answered(failure(), true);
      this.#isOver = true;
      this.#asker.givenUp();
      return;
    }
    if (answer !== undefined) return this.#answered(answer, false);
    this.#isOver = true;
    this.#asker.declined();
  }

  #answered(answer: Answer, isFailure: boolean): void {
    this.#isOver = true;
    this.#asker.answered(answer, isFailure);
  }
}
