import { IoliteError } from '../../../base/error.ts';

/** Somebody who waits for a turn. Exactly one of the two is called, once. */
export interface Waiter<T> {
  start(turn: T): void;
  refuse(reason: unknown): void;
}

/** Requests that wait for their turn, first come, first served; for so long at most, and so many. */
export class WaitingRoom<T> {
  readonly #timeout: number;
  readonly #seats: number;
  /** Who waits, and what takes back the watch on the signal and the time. */
  readonly #waiters = new Map<Waiter<T>, () => void>();

  /**
   * @param timeout milliseconds
   * @param seats how many may wait
   */
  constructor(timeout: number, seats: number) {
    this.#timeout = timeout;
    this.#seats = seats;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Refuses with the signal's reason, or ERR_IOLITE_BUSY when it takes too long or there is no seat. */
  enter(waiter: Waiter<T>, signal: AbortSignal): void {
    if (signal.aborted) return waiter.refuse(signal.reason);
    if (this.#waiters.size >= this.#seats) return waiter.refuse(busy());
    const abort = (): void => this.#refuse(waiter, signal.reason);
    const timer = setTimeout(() => this.#refuse(waiter, busy()), this.#timeout);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiters.set(waiter, () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
  }

  /** Gives the first who waits, if somebody does, a turn. */
  admit(turn: T): void {
    for (const waiter of this.#waiters.keys()) {
      this.#leave(waiter);
      waiter.start(turn);
      return;
    }
  }

  refuseAll(reason: unknown): void {
    for (const waiter of [...this.#waiters.keys()]) this.#refuse(waiter, reason);
  }

  #refuse(waiter: Waiter<T>, reason: unknown): void {
    this.#leave(waiter);
    waiter.refuse(reason);
  }

  #leave(waiter: Waiter<T>): void {
    this.#waiters.get(waiter)?.();
    this.#waiters.delete(waiter);
  }
}

/** What a request is refused with that waited too long, or found too many waiting. */
export const BUSY = 'ERR_IOLITE_BUSY';

function busy(): IoliteError {
  return new IoliteError(BUSY, 'No application process is free');
}
