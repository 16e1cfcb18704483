import type { Message } from './message.ts';

interface Waiter {
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** One-way messages that have arrived and wait for the program to take them. */
export class Inbox implements AsyncIterator<Message, undefined> {
  readonly #messages: Message[] = [];
  #first = 0;
  readonly #waiters: Waiter[] = [];
  readonly #taken: () => void;
  #end: { readonly error: Error | undefined } | undefined;

  /** @param taken called for each message as the program takes it */
  constructor(taken: () => void) {
    this.#taken = taken;
  }

  push(message: Message): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#messages.push(message);
      return;
    }
    this.#taken();
    waiter.resolve({ value: message, done: false });
  }

  /**
   * No message follows. Those that are here can still be taken; then the iteration ends, or throws `error`.
   */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    }
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    const message = this.#messages[this.#first];
    if (message !== undefined) {
      this.#advance();
      this.#taken();
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #advance(): void {
    this.#first += 1;
    if (this.#first < 1024 && this.#first < this.#messages.length) return;
    this.#messages.splice(0, this.#first);
    this.#first = 0;
  }
}
