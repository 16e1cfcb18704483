import type { ServerRequest } from '../message/exchange.ts';

/**
 * Told of an answer once its way has ended.
 * @param bytes of its body that were sent: not all when the client left
 * @param milliseconds since its request was read
 */
export type Answered = (request: ServerRequest, status: number, bytes: number, milliseconds: number) => void;

interface Entry {
  readonly request: ServerRequest;
  readonly status: number;
  readonly since: number;
  /** Bytes before its body, and of its body. */
  readonly head: number;
  readonly body: number;
}

/**
 * The answers of a connection that are on their way, in their order: kept only where somebody is to be told
 * of them.
 */
export class Account {
  readonly #answered: Answered;
  readonly #entries: Entry[] = [];
  #since = 0;

  constructor(answered: Answered) {
    this.#answered = answered;
  }

  /** Requests are there, to which the next answers are. */
  begin(): void {
    this.#since = performance.now();
  }

  /** An answer is to leave behind those before it. @param body bytes of it */
  add(request: ServerRequest, status: number, head: readonly Buffer[], body: number): void {
    let size = 0;
    for (const bytes of head) size += bytes.length;
    this.#entries.push({ request, status, since: this.#since, head: size, body });
  }

  /**
   * The way of all of them has ended. @param taken bytes of them that were sent, with their heads. Default:
   * all
   */
  settle(taken = Number.POSITIVE_INFINITY): void {
    const now = performance.now();
    let left = taken;
    for (const { request, status, since, head, body } of this.#entries) {
      const bytes = Math.min(body, Math.max(0, left - head));
      left -= head + body;
      this.#answered(request, status, bytes, now - since);
    }
    this.#entries.length = 0;
  }
}
