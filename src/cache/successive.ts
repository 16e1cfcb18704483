import { abortable, type WaitSignal } from '../base/abortable.ts';

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** Something of which there is one after another, and none in between, for which one may wait. */
export class Successive<T> {
  #present: T | undefined;
  readonly #waiters = new Set<Waiter<T>>();

  get present(): T | undefined {
    return this.#present;
  }

  /** The one that there is, or the next. @throws the signal's reason; what {@link fail} was given */
  async next(signal?: WaitSignal): Promise<T> {
    if (this.#present !== undefined) return this.#present;
    let waiter: Waiter<T> | undefined;
    const next = new Promise<T>((resolve, reject) => {
      waiter = { resolve, reject };
      this.#waiters.add(waiter);
    });
    try {
      return await abortable(next, signal);
    } finally {
      this.#waiters.delete(waiter as unknown as Waiter<T>);
    }
  }

  begin(value: T): void {
    this.#present = value;
    for (const { resolve } of this.#waiters) resolve(value);
    this.#waiters.clear();
  }

  end(): void {
    this.#present = undefined;
  }

  /** There is none for now: who waits has waited in vain. */
  fail(error: Error): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters.clear();
  }
}
