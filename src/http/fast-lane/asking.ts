import type { Answer, Handler } from '../exchange.ts';
import type { ParsedRequest } from './grammar.ts';
import type { LaneRequest } from './lane-request.ts';
import { failure } from './prepared-answer.ts';

/** Who wants an answer. One of the first three is called, once. */
export interface Asker {
  /** @param isFailure the answer stands for one that the handler failed to give: the connection ends with it */
  answered(asking: Asking, answer: Answer, isFailure: boolean): void;
  /** The handler leaves the request to somebody else. @param bytes of the request, and what came behind it */
  declined(bytes: Buffer): void;
  /** It was given up. */
  givenUp(): void;
  /** Hints go ahead of the answer. */
  hinted(links: readonly string[]): void;
}

const NOTHING = Buffer.alloc(0);

/** A request that a handler answers in its own time, until it has, or nobody wants the answer any more. */
export class Asking {
  readonly request: LaneRequest;
  readonly parsed: ParsedRequest;
  /** What came behind the request. */
  readonly rest: Buffer;
  readonly #asker: Asker;
  #isOver = false;
  /** Ends what the handler does, if it answers without a promise, or by one. */
  #giveUp: (() => void) | undefined;
  #aborter: AbortController | undefined;

  /** @param bytes the request and what came behind it; valid during the call only */
  constructor(asker: Asker, request: LaneRequest, parsed: ParsedRequest, bytes: Buffer) {
    this.#asker = asker;
    this.request = request;
    this.parsed = parsed;
    // Mostly nothing came behind it.
    this.rest = bytes.length > parsed.length ? Buffer.from(bytes.subarray(parsed.length)) : NOTHING;
  }

  /** Call it once. @param bytes as the constructor's */
  ask(handler: Handler, bytes: Buffer): void {
    try {
      this.#giveUp = handler.answerTo?.(this.request, answer => this.#answered(answer, false));
    } catch {
      this.#answered(failure(), true);
      return;
    }
    if (this.#giveUp === undefined) void this.#wait(handler, Buffer.from(bytes));
  }

  /** Tells whoever answers that the client is gone, once; not when it has answered. */
  giveUp(): void {
    if (this.#isOver) return;
    const giveUp = this.#giveUp;
    if (giveUp === undefined) {
      this.#aborter?.abort();
      return;
    }
    this.#isOver = true;
    this.#asker.givenUp();
    giveUp();
  }

  async #wait(handler: Handler, bytes: Buffer): Promise<void> {
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.request.earlyHints = links => {
      if (!this.#isOver && links.length > 0) this.#asker.hinted(links);
    };
    let answer: Answer | undefined;
    try {
      answer = await handler.answer(this.request, aborter.signal);
    } catch {
      if (!aborter.signal.aborted) return this.#answered(failure(), true);
      this.#isOver = true;
      this.#asker.givenUp();
      return;
    }
    if (answer !== undefined) return this.#answered(answer, false);
    this.#isOver = true;
    this.#asker.declined(bytes);
  }

  #answered(answer: Answer, isFailure: boolean): void {
    this.#isOver = true;
    this.#asker.answered(this, answer, isFailure);
  }
}
