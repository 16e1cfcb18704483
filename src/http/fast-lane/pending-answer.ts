import type { Answer, Handler, Recipient, Underway } from '../message/exchange.ts';
import type { ParsedRequest } from './grammar.ts';
import type { LaneRequest } from './lane-request.ts';
import { failure } from './prepared-answer.ts';

/** Who wants an answer. One of the first three is called, once. */
export interface Asker {
  /**
   * @param isFailure the answer stands for one that the handler failed to give: the connection ends with it
   */
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
export class Asking implements Recipient {
  readonly request: LaneRequest;
  readonly parsed: ParsedRequest;
  /** What came behind the request. */
  readonly rest: Buffer;
  readonly #asker: Asker;
  #isOver = false;
  /** What the handler does, if it answers without a promise, or by one. */
  #underway: Underway | undefined;
  #aborter: AbortController | undefined;

  /**
   * @param bytes of which the first `length` are the request and what came behind it; valid during the call
   *   only
   */
  constructor(asker: Asker, request: LaneRequest, parsed: ParsedRequest, bytes: Buffer, length: number) {
    this.#asker = asker;
    this.request = request;
    this.parsed = parsed;
    // Mostly nothing came behind it.
    this.rest = length > parsed.length ? Buffer.from(bytes.subarray(parsed.length, length)) : NOTHING;
  }

  /** Call it once. @param bytes, length as the constructor's */
  ask(handler: Handler, bytes: Buffer, length: number): void {
    try {
      this.#underway = handler.answerTo?.(this.request, this);
    } catch {
      this.#answered(failure(), true);
      return;
    }
    if (this.#underway === undefined) void this.#wait(handler, Buffer.from(bytes.subarray(0, length)));
  }

  answered(answer: Answer): void {
    this.#answered(answer, false);
  }

  /** Tells whoever answers that the client is gone, once; not when it has answered. */
  giveUp(): void {
    if (this.#isOver) return;
    if (this.#underway === undefined) {
      this.#aborter?.abort();
      return;
    }
    this.#isOver = true;
    this.#asker.givenUp();
    this.#underway.giveUp();
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
    if (answer !== undefined) return this.answered(answer);
    this.#isOver = true;
    this.#asker.declined(bytes);
  }

  #answered(answer: Answer, isFailure: boolean): void {
    this.#isOver = true;
    this.#asker.answered(this, answer, isFailure);
  }
}
