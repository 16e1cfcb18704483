/** Somebody who waits for a turn. Exactly one of the two is called, once, unless they leave. */
export interface Waiter<T> {
  start(turn: T): void;
  refuse(reason: unknown): void;
}

/** Who waits for a turn, first come, first served; for so long at most, and so many. */
export class WaitQueue<T> {
  readonly #timeout: number | undefined;
  readonly #places: number;
  readonly #busy: () => Error;
  /** Who waits, and for how long. */
  readonly #waiters = new Map<Waiter<T>, NodeJS.Timeout | undefined>();
  /**
   * Stands before the first who waits: one that began anew each time would look at the places of all who were
   * admitted before, tens of microseconds where thousands wait.
   */
  #order: IterableIterator<Waiter<T>> = this.#waiters.keys();

  /**
   * @param timeout milliseconds; undefined for no bound
   * @param places how many may wait
   * @param busy makes what one is refused with that waited too long, or found too many waiting
   */
  constructor(timeout: number | undefined, places: number, busy: () => Error) {
    this.#timeout = timeout;
    this.#places = places;
    this.#busy = busy;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Refuses when it takes too long or there is no place. @returns whether there is one
   */
  enter(waiter: Waiter<T>): boolean {
    if (this.#waiters.size >= this.#places) {
      waiter.refuse(this.#busy());
      return false;
    }
    const timer =
      this.#timeout === undefined
        ? undefined
        : setTimeout(() => this.#refuse(waiter, this.#busy()), this.#timeout);
    this.#waiters.set(waiter, timer);
    return true;
  }

  /** Somebody waits no longer. */
  leave(waiter: Waiter<T>): void {
    const timer = this.#waiters.get(waiter);
    if (timer !== undefined) clearTimeout(timer);
    this.#waiters.delete(waiter);
  }

  /** Gives the first who waits, if somebody does, a turn. */
  admit(turn: T): void {
    if (this.#waiters.size === 0) return;
    let next = this.#order.next();
    // Whoever came after it had been at the end.
    if (next.done) {
      this.#order = this.#waiters.keys();
      next = this.#order.next();
    }
    const waiter = next.value as Waiter<T>;
    this.leave(waiter);
    waiter.start(turn);
  }

  refuseAll(reason: unknown): void {
    for (const waiter of [...this.#waiters.keys()]) this.#refuse(waiter, reason);
  }

  #refuse(waiter: Waiter<T>, reason: unknown): void {
    this.leave(waiter);
    waiter.refuse(reason);
  }
}
