/** Milliseconds of one turn of the event loop that go to what asks whether it is over. */
const MOST_MS = 10;

/**
 * Work that many others can cause at once, divided among the turns of the event loop: whoever finds the turn
 * over leaves the rest of its work for another one, and is called in the order of asking. So the loop comes
 * to everything else in between, however much is asked for, and by however many.
 */
export class LoopTurn {
  /** When the first of this turn asked. */
  #began: number | undefined;
  #isWatched = false;
  readonly #waiting = new Set<() => void>();

  /** Whether what can wait is to wait. Two clock reads a turn, and one for each time that this is asked. */
  get isOver(): boolean {
    const now = performance.now();
    if (this.#began !== undefined) return now - this.#began > MOST_MS;
    this.#began = now;
    this.#watch();
    return false;
  }

  /** Calls `resume` in a later turn, once, however often it is asked. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
    this.#watch();
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setImmediate(this.#next);
  }

  /** Those who waited have a turn of their own, and what comes from outside has one after it. */
  readonly #next = (): void => {
    this.#isWatched = false;
    this.#began = performance.now();
    // Who waits again has the next turn.
    let left = this.#waiting.size;
    for (const resume of this.#waiting) {
      if (left === 0) break;
      left -= 1;
      this.#waiting.delete(resume);
      resume();
      if (this.isOver) break;
    }
    this.#began = undefined;
    if (this.#waiting.size > 0) this.#watch();
  };
}

/** That of this thread. */
export const loopTurn = new LoopTurn();
