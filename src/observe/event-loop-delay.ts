import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the event loop is looked at: what lasts longer is seen. */
const RESOLUTION_MS = 20;
/** What is usual between two readings of Prometheus is less, so that it misses nothing. */
const LEAST_WINDOW_MS = 60_000;
const NS_IN_S = 1e9;

/**
 * How late the event loop is, over the last one to two minutes, whoever reads that and how often: of two
 * histograms of the same, one begins anew each minute, and the other one has seen more.
 *
 *     |----- older -----|
 *              |-- newer --|----- then the older one -----|
 *
 * Costs two timers of 20 ms, which are due at once, and keeps no process alive. It rests when nobody has read
 * it for a minute or two, and begins anew with the next reading, which is of nothing.
 */
export class EventLoopDelay implements Disposable {
  #older: IntervalHistogram = begin();
  #newer: IntervalHistogram = begin();
  readonly #timer: NodeJS.Timeout = setInterval(() => this.turn(), LEAST_WINDOW_MS).unref();

  #isRead = true;
  #rests = false;

  /** Forgets what is older than the last turn; rests if nobody has read since then. */
  turn(): void {
    if (!this.#isRead) this.#rest();
    this.#isRead = false;
    this.#older.reset();
    [this.#older, this.#newer] = [this.#newer, this.#older];
  }

  /** Seconds that so many looks of a hundred were late at most. */
  percentile(percent: number): number {
    this.#wake();
    return lateness(this.#older.percentile(percent));
  }

  /** Seconds that the latest look was late. */
  get max(): number {
    this.#wake();
    return lateness(this.#older.max);
  }

  /** Whether it does not look just now. */
  get rests(): boolean {
    return this.#rests;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#rest();
  }

  #rest(): void {
    this.#rests = true;
    this.#older.disable();
    this.#newer.disable();
  }

  #wake(): void {
    this.#isRead = true;
    if (!this.#rests) return;
    this.#rests = false;
    for (const histogram of [this.#older, this.#newer]) {
      histogram.reset();
      histogram.enable();
    }
  }
}

function begin(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}

/** @param ns from one look to the next */
function lateness(ns: number): number {
  return Math.max(0, ns / NS_IN_S - RESOLUTION_MS / 1000);
}
