interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** Taken places at the front of the list after which it is shortened. */
const MAX_TAKEN_PLACES = 1024;

/** What has arrived and waits for the program to take it, in order: one-way messages, or channels. */
export class Inbox<T extends object> {
  readonly #items: T[] = [];
  #first = 0;
  readonly #waiters: Waiter<T>[] = [];
  readonly #taken: (item: T) => void;
  #end: { readonly error: Error | undefined } | undefined;

  /** @param taken called for each item as the program takes it */
  constructor(taken: (item: T) => void = () => {}) {
    this.#taken = taken;
  }

  push(item: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#items.push(item);
      return;
    }
    this.#taken(item);
    waiter.resolve({ value: item, done: false });
  }

  /** Nothing follows. What is here can still be taken; then the iteration ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    }
  }

  /** For `for await`: to break off an iteration takes nothing away from the next. */
  iterate(): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => Promise.resolve({ value: undefined, done: true }),
    };
  }

  /** Takes all that is here, which does not count as taken by the program. */
  clear(): T[] {
    const items = this.#items.splice(0).slice(this.#first);
    this.#first = 0;
    return items;
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items[this.#first];
    if (item !== undefined) {
      this.#advance();
      this.#taken(item);
      return Promise.resolve({ value: item, done: false });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #advance(): void {
    this.#first += 1;
    if (this.#first < MAX_TAKEN_PLACES && this.#first < this.#items.length) return;
    this.#items.splice(0, this.#first);
    this.#first = 0;
  }
}
