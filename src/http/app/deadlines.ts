interface Deadline {
  readonly at: number;
  readonly missed: () => void;
}

/**
 * Deadlines that are equally far away when they are set, under one timer: of tens of thousands a second hardly one is missed,
 * and a timer each would cost more than all else that is done about them.
 */
export class Deadlines {
  readonly #span: number;
  /** In the order they were set, which is the order they come in. */
  readonly #waiting = new Map<number, Deadline>();
  /** Goes off when the first is missed that waited as it was set: mostly that one has been met by then. */
  #timer: NodeJS.Timeout | undefined;

  /** @param span milliseconds from the setting of a deadline */
  constructor(span: number) {
    this.#span = span;
  }

  /** @param id no other one's that waits. @param missed called, once, unless it is met in time */
  set(id: number, missed: () => void): void {
    this.#waiting.set(id, { at: performance.now() + this.#span, missed });
    this.#timer ??= this.#after(this.#span);
  }

  /** It is of no more concern. */
  met(id: number): void {
    this.#waiting.delete(id);
  }

  /** None are of concern any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  /** What is waited for keeps the process alive, if anything does. */
  #after(span: number): NodeJS.Timeout {
    return setTimeout(this.#check, span).unref();
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [id, { at, missed }] of this.#waiting) {
      if (at > now) {
        this.#timer ??= this.#after(Math.ceil(at - now));
        return;
      }
      this.#waiting.delete(id);
      missed();
    }
  };
}
