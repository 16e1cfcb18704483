import { GiveUp } from '../../base/abortable.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import { releaseBody } from './body.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from './exchange.ts';

/**
 * A handler as a function: simpler to write than a {@link Handler}, and slower, by a promise and a signal for
 * each request, than one that tells its answers.
 * @param signal aborted when nobody wants the answer any more
 * @returns undefined when the request is for somebody else
 */
export type AnswerFunction = (
  request: ServerRequest,
  signal: AbortSignal,
) => Answer | undefined | Promise<Answer | undefined>;

/**
 * A handler that answers by a function.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { Aggregate, createServer, handlerOf } from 'iolite';
 *
 * const greet = handlerOf(async ({ target }) =>
 *   target === '/' ? { status: 200, headers: [], body: Aggregate.adopt(Buffer.from('hello')) } : undefined,
 * );
 * await using server = createServer({ handler: greet });
 * await server.listen(0, '127.0.0.1');
 * const url = `http://127.0.0.1:${server.address()?.port}/`;
 * assert.equal(await (await fetch(url)).text(), 'hello');
 * assert.equal((await fetch(`${url}else`)).status, 404);
 * ```
 */
export function handlerOf(answer: AnswerFunction): Handler {
  if (typeof answer !== 'function') {
    throw new ArgumentError(`Cannot make handler: a function is wanted, ${describe(answer)} was given`);
  }
  return { answer: (request, recipient) => tellLater(recipient, async signal => answer(request, signal)) };
}

/**
 * Tells a recipient what a promise brings.
 * @param promise called at once. Its signal is aborted when the answer is given up
 */
export function tellLater(
  recipient: Recipient,
  promise: (signal: AbortSignal) => Promise<Answer | undefined>,
): PendingAnswer {
  const aborter = new AbortController();
  return tell(recipient, promise(aborter.signal), aborter, false);
}

/**
 * As {@link tellLater}, of an answer that comes soon, and costs little.
 * @param promise is given what it may be given up by, which makes a signal only for who asks for one
 */
export function tellSoon(
  recipient: Recipient,
  promise: (wait: GiveUp) => Promise<Answer | undefined>,
): PendingAnswer {
  const wait = new GiveUp();
  return tell(recipient, promise(wait), wait, true);
}

function tell(
  recipient: Recipient,
  promise: Promise<Answer | undefined>,
  aborter: { abort(): void },
  comesSoon: boolean,
): PendingAnswer {
  let isTold = false;
  promise.then(
    answer => {
      isTold = true;
      if (answer === undefined) recipient.declined();
      else recipient.answered(answer);
    },
    error => {
      isTold = true;
      recipient.failed(error);
    },
  );
  return {
    comesSoon,
    giveUp: () => {
      if (!isTold) aborter.abort();
    },
  };
}

/**
 * What a handler answers, as a promise: for those who have no use for an answer that is told.
 * @param signal gives the answer up
 * @returns undefined when the request is for somebody else
 * @throws what the handler failed with; the signal's reason, if it has left off
 */
export async function answerOf(
  handler: Handler,
  request: ServerRequest,
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  signal?.throwIfAborted();
  const awaited = new AwaitedAnswer();
  const answering = awaited.ask(handler, request);
  if (signal === undefined || !(answering instanceof Promise)) return answering;
  const abort = (): void => awaited.giveUp();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const answer = await answering;
    if (answer === undefined) signal.throwIfAborted();
    return answer;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The answer to one request, which can be waited for. */
export class AwaitedAnswer implements Recipient {
  #pending: PendingAnswer | undefined;
  #isTold = false;
  #isGivenUp = false;
  #answer: Answer | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /**
   * Asks a handler. Call it once.
   * @returns what it says, without a promise if it says it at once; undefined when it declines, and when the
   *   answer was given up
   * @throws what the handler failed with
   */
  ask(handler: Handler, request: ServerRequest): Answer | undefined | Promise<Answer | undefined> {
    let pending: PendingAnswer | undefined;
    try {
      pending = handler.answer(request, this);
      if (!this.#isTold && typeof pending?.giveUp !== 'function') throw wrongHandler(pending);
    } catch (error) {
      // What it has told counts; what it tells from here on does not.
      this.failed(error);
    }
    if (this.#isTold) return this.#outcome();
    this.#pending = pending;
    return this.#wait();
  }

  /** Nobody wants it any more. The handler has what it says released, or says that it has left off. */
  giveUp(): void {
    if (this.#isTold || this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#pending?.giveUp();
  }

  answered(answer: Answer): void {
    if (this.#isTold) releaseBody(answer.body);
    else this.#answer = answer;
    this.#told();
  }

  declined(): void {
    this.#told();
  }

  failed(error: unknown): void {
    if (!this.#isTold && !this.#isGivenUp) this.#failure = { error };
    this.#told();
  }

  async #wait(): Promise<Answer | undefined> {
    await new Promise<void>(resolve => {
      this.#wake = resolve;
    });
    return this.#outcome();
  }

  #outcome(): Answer | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#answer;
  }

  #told(): void {
    this.#isTold = true;
    this.#wake?.();
  }
}

/**
 * The error of a handler that neither tells its recipient nor returns what gives the answer up: one that
 * returned a promise would be waited for without end.
 */
export function wrongHandler(returned: unknown): ArgumentError {
  // Nobody learns what it fails with, as nobody waits for it.
  if (returned instanceof Promise) returned.catch(() => {});
  return new ArgumentError(
    'Cannot answer: a handler tells the recipient, or returns what gives the answer up; ' +
      `${describe(returned)} was returned. For promises there is handlerOf()`,
  );
}
