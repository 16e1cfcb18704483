/** What dies this soon after it has begun to serve is not replaced at once. */
const QUICK_DEATH_MS = 1000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
/** Failed starts in a row after which it counts as failing. */
const START_TRIES = 3;
/**
 * How long what has served before is tried again in any case: memory or descriptors that are short, and a
 * machine that is too busy, are so for a while.
 */
const PATIENCE_MS = 10_000;

/**
 * How soon what has ended is started again: at once, but for what keeps dying before it serves or soon after,
 * which waits twice as long each time. How long the start takes says nothing: it is the machine's load.
 */
export class RestartPace {
  /** How often in a row one died before it served or soon after: what the delay grows with. */
  #quickDeaths = 0;
  /** How often in a row one died without having served. */
  #failedStarts = 0;
  /** When the first of these had ended. */
  #failingSince = 0;
  #hasServed = false;
  readonly #clock: () => number;

  /** @param clock milliseconds, for tests */
  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /** Whether no start succeeds: several times in a row, and if one has served before, for a while. */
  get isFailing(): boolean {
    if (this.#failedStarts < START_TRIES) return false;
    return !this.#hasServed || this.#clock() - this.#failingSince >= PATIENCE_MS;
  }

  /** One that was started serves. */
  served(): void {
    this.#hasServed = true;
    this.#failedStarts = 0;
  }

  /**
   * One has ended.
   * @param servedAt when it began to serve, by that clock (performance.now()); undefined if it never did
   * @returns milliseconds until the next is to be started
   */
  ended(servedAt: number | undefined): number {
    const time = this.#clock();
    if (servedAt === undefined && this.#failedStarts === 0) this.#failingSince = time;
    this.#failedStarts = servedAt === undefined ? this.#failedStarts + 1 : 0;
    const isQuick = servedAt === undefined || time - servedAt < QUICK_DEATH_MS;
    this.#quickDeaths = isQuick ? this.#quickDeaths + 1 : 0;
    if (!isQuick) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#quickDeaths - 1), LONGEST_DELAY_MS);
  }
}
