/** What dies this soon after its start is not replaced at once. */
const QUICK_DEATH_MS = 1000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
/** Failed starts in a row after which it counts as failing. */
const START_TRIES = 3;

/**
 * How soon what has ended is started again: at once, but for what keeps dying soon after its start, which
 * waits twice as long each time.
 */
export class RestartPace {
  /** How often in a row one died soon after its start: what the delay grows with. */
  #quickDeaths = 0;
  /** How often in a row one died without having served. */
  #failedStarts = 0;

  /** Whether no start succeeds, several times in a row. */
  get isFailing(): boolean {
    return this.#failedStarts >= START_TRIES;
  }

  /** One that was started serves. */
  served(): void {
    this.#failedStarts = 0;
  }

  /**
   * One has ended.
   * @param hasServed whether it ever did
   * @param startedAt by performance.now()
   * @returns milliseconds until the next is to be started
   */
  ended(hasServed: boolean, startedAt: number): number {
    this.#failedStarts = hasServed ? 0 : this.#failedStarts + 1;
    const isQuick = !hasServed || performance.now() - startedAt < QUICK_DEATH_MS;
    this.#quickDeaths = isQuick ? this.#quickDeaths + 1 : 0;
    if (!isQuick) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#quickDeaths - 1), LONGEST_DELAY_MS);
  }
}
