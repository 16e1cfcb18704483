import { abortable } from '../aggregate/abortable.ts';

interface Shared<T> {
  readonly value: Promise<T>;
  waiters: number;
  settled: boolean;
}

/**
 * Work that several callers want at the same time is done once. Each caller gets a reference of its own to
 * the result; one that gives up ends its own wait only.
 */
export class Coalescer<T> {
  readonly #running = new Map<string, Shared<T>>();
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

  /** Joins the work under way for `key`, or starts it. */
  async run(key: string, start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    const shared = this.#running.get(key) ?? this.#start(key, start);
    shared.waiters += 1;
    try {
      return this.#share(await abortable(shared.value, signal));
    } finally {
      shared.waiters -= 1;
      this.#releaseIfDone(shared);
    }
  }

  #start(key: string, start: () => Promise<T>): Shared<T> {
    const shared: Shared<T> = { value: start(), waiters: 0, settled: false };
    this.#running.set(key, shared);
    const settle = (): void => {
      this.#running.delete(key);
      shared.settled = true;
      this.#releaseIfDone(shared);
    };
    shared.value.then(settle, settle);
    return shared;
  }

  #releaseIfDone(shared: Shared<T>): void {
    if (shared.settled && shared.waiters === 0) shared.value.then(this.#release, () => {});
  }
}
