/** What dies this soon after it has begun to serve is not replaced at once. */
const QUICK_DEATH_MS = 1000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
/** Failed starts in a row after which it counts as failing. */
const START_TRIES = 3;
/**
 * The same for what has served before, with whose delays it is tried for eleven seconds at least: memory or
 * descriptors that are short are so for a while. It is no bound of time, as a machine that is too busy may
 * take all of that for a few starts.
 */
const PATIENT_START_TRIES = 8;

/**
 * How soon what has ended is started again: at once, but for what keeps dying before it serves or soon after,
 * which waits twice as long each time. How long the start takes says nothing: it is the machine's load.
 */
export class RestartPace {
  /** How often in a row one died before it served or soon after: what the delay grows with. */
  #quickDeaths = 0;
  /** How often in a row one died without having served. */
  #failedStarts = 0;
  #hasServed = false;

  /** Whether no start succeeds: several times in a row, and more of them if one has served before. */
  get isFailing(): boolean {
    return this.#failedStarts >= (this.#hasServed ? PATIENT_START_TRIES : START_TRIES);
  }

  /** One that was started serves. */
  served(): void {
    this.#hasServed = true;
    this.#failedStarts = 0;
  }

  /**
   * One has ended.
   * @param servedAt when it began to serve, by performance.now(); undefined if it never did
   * @returns milliseconds until the next is to be started
   */
  ended(servedAt: number | undefined): number {
    this.#failedStarts = servedAt === undefined ? this.#failedStarts + 1 : 0;
    const isQuick = servedAt === undefined || performance.now() - servedAt < QUICK_DEATH_MS;
    this.#quickDeaths = isQuick ? this.#quickDeaths + 1 : 0;
    if (!isQuick) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#quickDeaths - 1), LONGEST_DELAY_MS);
  }
}
