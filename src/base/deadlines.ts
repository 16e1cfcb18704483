import { invariant } from './invariant.ts';

/** The longest that a timer of Node takes; longer ones it makes to 1 ms. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Something that is to happen in time. What it has in common with others is {@link Deadlines}' to keep. */
export abstract class TimedTask {
  /** By performance.now(). */
  deadline = 0;
  /** Whose deadline is next, and whose was before. */
  later: TimedTask | undefined;
  earlier: TimedTask | undefined;
  isDue = false;

  /** Called, once, when it did not happen in time. */
  abstract missed(): void;
}

/**
 * Deadlines that are equally far away when they are set, under one timer: of tens of thousands a second
 * hardly one is missed, and a timer each would cost more than all else that is done about them.
 */
export class Deadlines {
  readonly #span: number;
  /** They come in the order in which they were set: a list, through those who wait themselves. */
  #first: TimedTask | undefined;
  #last: TimedTask | undefined;
  /** Goes off when the first is missed that waited as it was set: mostly that one has been met by then. */
  #timer: NodeJS.Timeout | undefined;

  /** @param span milliseconds from the setting of a deadline */
  constructor(span: number) {
    this.#span = span;
  }

  /** @param task none that waits */
  set(task: TimedTask): void {
    invariant(!task.isDue, 'a deadline is set for a task that waits for none');
    task.deadline = performance.now() + this.#span;
    task.isDue = true;
    task.earlier = this.#last;
    if (this.#last === undefined) this.#first = task;
    else this.#last.later = task;
    this.#last = task;
    this.#timer ??= this.#after(this.#span);
  }

  /** It is of no more concern, if it was. */
  met(task: TimedTask): void {
    if (!task.isDue) return;
    const { earlier, later } = task;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    task.isDue = false;
    task.earlier = undefined;
    task.later = undefined;
  }

  /** None are of concern any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#first !== undefined) this.met(this.#first);
  }

  /** What is waited for keeps the process alive, if anything does. */
  #after(span: number): NodeJS.Timeout {
    return setTimeout(this.#check, span).unref();
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (let first = this.#first; first !== undefined; first = this.#first) {
      if (first.deadline > now) {
        this.#timer ??= this.#after(Math.ceil(first.deadline - now));
        return;
      }
      this.met(first);
      first.missed();
    }
  };
}
