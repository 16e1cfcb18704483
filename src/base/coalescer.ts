import { abortable, type WaitSignal } from './abortable.ts';
import { now } from './clock.ts';
import { invariant } from './invariant.ts';

class SharedWork<T> {
  readonly value: Promise<T>;
  /** When the work began; later than any time as long as it has not. */
  startedAt = Number.POSITIVE_INFINITY;
  /** The same work once more, which begins when this has ended. */
  next: SharedWork<T> | undefined;
  waiters = 0;
  settled = false;

  constructor(after: Promise<unknown> | undefined, start: () => Promise<T>) {
    const begin = (): Promise<T> => {
      this.startedAt = now();
      return start();
    };
    this.value = after === undefined ? begin() : after.then(begin, begin);
  }
}

/**
 * Work that several callers want at the same time is done once, and never twice at a time. Each caller gets a
 * reference of its own to the result; one that gives up ends its own wait only.
 */
export class Coalescer<T> {
  readonly #running = new Map<string, SharedWork<T>>();
  readonly #share: (value: T) => T;
  readonly #release: (value: T) => void;

  /**
   * @param share makes a caller's reference to a result
   * @param release gives back the reference that the work itself returned
   */
  constructor(share: (value: T) => T, release: (value: T) => void) {
    this.#share = share;
    this.#release = release;
  }

  /** Whether work under this key is under way. */
  has(key: string): boolean {
    return this.#running.has(key);
  }

  /**
   * Joins the work under way for `key`, or starts it.
   * @param since work that did not begin later is too old to join: it is done once more, after that
   */
  async run(
    key: string,
    start: () => Promise<T>,
    { since = 0, signal }: { since?: number; signal?: WaitSignal | undefined } = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    let shared = this.#running.get(key) ?? this.#start(key, start);
    if (shared.startedAt <= since) {
      shared.next ??= new SharedWork(shared.value, start);
      shared = shared.next;
    }
    shared.waiters += 1;
    try {
      return this.#share(await abortable(shared.value, signal));
    } finally {
      shared.waiters -= 1;
      invariant(shared.waiters >= 0, 'whoever waits for shared work is counted');
      this.#releaseIfDone(shared);
    }
  }

  #start(key: string, start: () => Promise<T>): SharedWork<T> {
    const shared = new SharedWork(undefined, start);
    this.#track(key, shared);
    return shared;
  }

  #track(key: string, shared: SharedWork<T>): void {
    this.#running.set(key, shared);
    const settle = (): void => {
      if (shared.next === undefined) this.#running.delete(key);
      else this.#track(key, shared.next);
      shared.settled = true;
      this.#releaseIfDone(shared);
    };
    shared.value.then(settle, settle);
  }

  #releaseIfDone(shared: SharedWork<T>): void {
    if (shared.settled && shared.waiters === 0) shared.value.then(this.#release, () => {});
  }
}
