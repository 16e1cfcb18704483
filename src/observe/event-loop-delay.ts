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
 * Costs two timers of 20 ms, which are due at once, and keeps no process alive.
 */
export class EventLoopDelay implements Disposable {
  #older: IntervalHistogram = begin();
  #newer: IntervalHistogram = begin();
  readonly #timer: NodeJS.Timeout = setInterval(() => this.turn(), LEAST_WINDOW_MS).unref();

  /** Forgets what is older than the last turn. */
  turn(): void {
    this.#older.reset();
    [this.#older, this.#newer] = [this.#newer, this.#older];
  }

  /** Seconds that so many looks of a hundred were late at most. */
  percentile(percent: number): number {
    return lateness(this.#older.percentile(percent));
  }

  /** Seconds that the latest look was late. */
  get max(): number {
    return lateness(this.#older.max);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#older.disable();
    this.#newer.disable();
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
