import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds: how long tasks waited, or ran. */
export interface TimeSummary {
  /** How many tasks that were. With none of them all numbers are 0. */
  readonly count: number;
  /** Their average. */
  readonly mean: number;
  /** The shortest. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
  /** Half of them took no longer. */
  readonly p50: number;
  /** Nine of ten took no longer. */
  readonly p90: number;
  /** All but one of a hundred took no longer. */
  readonly p99: number;
  /** All but one of a thousand took no longer. */
  readonly p999: number;
}

const US_PER_MS = 1000;
const NONE: TimeSummary = { count: 0, mean: 0, min: 0, max: 0, p50: 0, p90: 0, p99: 0, p999: 0 };

/** Durations with three digits of each. */
export class TaskTimes {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 });

  add(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * US_PER_MS)));
  }

  get summary(): TimeSummary {
    const { count, mean, min, max } = this.#histogram;
    if (count === 0) return NONE;
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / US_PER_MS;
    return {
      count,
      mean: mean / US_PER_MS,
      min: min / US_PER_MS,
      max: max / US_PER_MS,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
    };
  }
}
