import { type Waiter, WaitQueue } from '../../ipc/flow/wait-queue.ts';

/** Places that requests take one after the other; whoever finds none free waits, first come, first served. */
export class Turns {
  readonly #places: number;
  readonly #queue: WaitQueue<void>;
  #used = 0;

  /** @param busy makes what one is refused with that waited too long, or found too many waiting */
  constructor(
    places: number,
    { queueTimeout, maxQueue }: { readonly queueTimeout: number; readonly maxQueue: number },
    busy: () => Error,
  ) {
    this.#places = places;
    this.#queue = new WaitQueue(queueTimeout, maxQueue, busy);
  }

  /** Places that are taken. */
  get used(): number {
    return this.#used;
  }

  /** Who waits for one. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes a place: {@link giveBack} it. @throws what `busy` makes; the signal's reason */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#used >= this.#places || this.#queue.size > 0) await this.#wait(signal);
    else this.#used += 1;
  }

  giveBack(): void {
    this.#used -= 1;
    this.#queue.admit();
  }

  /** Those who wait are refused. */
  refuseAll(reason: unknown): void {
    this.#queue.refuseAll(reason);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((start, refuse) => {
      const leave = (): void => {
        this.#queue.leave(waiter);
        refuse(signal.reason);
      };
      const waiter: Waiter<void> = {
        start: () => {
          this.#used += 1;
          signal.removeEventListener('abort', leave);
          start();
        },
        refuse: reason => {
          signal.removeEventListener('abort', leave);
          refuse(reason);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.enter(waiter);
    });
  }
}
