import { MAX_TIMEOUT_MS } from '../base/deadlines.ts';
import { BoundsError, describe, IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import type { Message } from './message.ts';
import { NumberTable } from './number-table.ts';
import { protocolError } from './wire/frame.ts';

/** How long the answer to a request is waited for. */
export interface RequestOptions {
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds after which the wait ends with ERR_IOLITE_TIMEOUT. Costs a tenth of what
   * AbortSignal.timeout() does. Default: no bound.
   */
  readonly timeout?: number | undefined;
}

/** Who waits for an answer. One of the two is called, once. */
export interface PendingRequest {
  /** Given the answer, whose body is the receiver's to release. */
  readonly resolve: (message: Message) => void;
  /** Told why there is none. */
  readonly reject: (error: Error) => void;
}

/** Requests that were sent and wait for their answer, by correlation number. */
export class PendingRequests {
  readonly #pending = new NumberTable<PendingRequest>();
  /** Requests that nobody waits for any more, and that the peer will answer nevertheless. */
  readonly #abandoned = new Set<number>();
  /** Requests that were answered and are not over. */
  readonly #held = new Set<number>();
  #next = 1;

  get size(): number {
    return this.#pending.size;
  }

  /** Registers a request. @returns its number */
  open(pending: PendingRequest): number {
    // No request has the number 0.
    while (this.#next === 0 || this.#isTaken(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const correlation = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    this.#pending.add(correlation, pending);
    return correlation;
  }

  /**
   * An answer came. Its body is released when nobody waits any more. @throws ERR_IOLITE_PROTOCOL when nobody
   * ever did
   */
  resolve(correlation: number, message: Message): void {
    const pending = this.#pending.take(correlation);
    if (pending !== undefined) return pending.resolve(message);
    message.body?.release();
    this.#late(correlation);
  }

  /** A failure came as answer. @throws as {@link resolve} */
  answerFailed(correlation: number, error: Error): void {
    if (!this.reject(correlation, error)) this.#late(correlation);
  }

  /** Whether the answer to a request is waited for. */
  has(correlation: number): boolean {
    return this.#pending.has(correlation);
  }

  /** Who waits for the answer to a request. */
  get(correlation: number): PendingRequest | undefined {
    return this.#pending.get(correlation);
  }

  /** No other request gets the number of this one, until {@link letGo}. */
  hold(correlation: number): void {
    invariant(!this.#pending.has(correlation), 'a request that is held was answered');
    this.#held.add(correlation);
  }

  letGo(correlation: number): void {
    if (this.#held.size > 0) this.#held.delete(correlation);
  }

  /** Nobody waits for the answer any more, which is still to come. */
  abandon(correlation: number): void {
    invariant(!this.#pending.has(correlation), 'nobody waits for the answer to an abandoned request');
    this.#abandoned.add(correlation);
  }

  /** Ends the wait, and tells nobody. @returns whether somebody was waiting */
  giveUp(correlation: number): boolean {
    return this.#pending.take(correlation) !== undefined;
  }

  /** @returns whether somebody was waiting */
  reject(correlation: number, error: Error): boolean {
    const pending = this.#pending.take(correlation);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** Answers may still come. */
  rejectAll(error: Error): void {
    for (const [correlation] of this.#pending.entries()) {
      this.reject(correlation, error);
      this.abandon(correlation);
    }
  }

  #isTaken(correlation: number): boolean {
    return this.#pending.has(correlation) || this.#abandoned.has(correlation) || this.#held.has(correlation);
  }

  #late(correlation: number): void {
    if (!this.#abandoned.delete(correlation)) throw protocolError('it answered what was not asked');
  }
}

export function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TIMEOUT_MS;
}

/** The error of a time-out that is none. */
export function timeoutRangeError(value: unknown): BoundsError {
  return new BoundsError(
    `Cannot send request: a timeout of 0 to ${MAX_TIMEOUT_MS} ms is wanted, ${describe(value)} was given`,
  );
}

/** The error of an answer that did not come in time. */
export function answerTimeoutError(timeout: number): IoliteError {
  return new IoliteError('ERR_IOLITE_TIMEOUT', `The peer did not answer in ${timeout} ms`);
}
