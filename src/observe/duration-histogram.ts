/** Upper ends of the ranges, in seconds; what is above the last has one of its own. */
export const DURATION_ENDS_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
const ENDS_MS = DURATION_ENDS_S.map(seconds => seconds * 1000);

/** How many durations lie in each range, and their sum. Noting one costs a comparison a range below. */
export class DurationHistogram {
  /** By range, the last for those above all ends. */
  readonly counts: number[] = Array(ENDS_MS.length + 1).fill(0);
  /** Milliseconds of all of them. */
  sumMs = 0;

  /** Notes one, in milliseconds. */
  add(ms: number): void {
    let range = 0;
    while (range < ENDS_MS.length && ms > (ENDS_MS[range] as number)) range += 1;
    this.counts[range] = (this.counts[range] as number) + 1;
    this.sumMs += ms;
  }

  /** Its numbers by name, as processes tell them each other: `range 0` and so on, and `milliseconds`. */
  figures(): Record<string, number> {
    const figures = this.counts.map((count, range) => [figureOfRange(range), count]);
    return { ...Object.fromEntries(figures), [FIGURE_OF_SUM]: this.sumMs };
  }
}

const FIGURE_OF_SUM = 'milliseconds';

function figureOfRange(range: number): string {
  return `range ${range}`;
}

/** The figures that a histogram is told by. */
export const DURATION_FIGURES: readonly string[] = [
  FIGURE_OF_SUM,
  ...Array.from({ length: ENDS_MS.length + 1 }, (_, range) => figureOfRange(range)),
];

/** A histogram by its figures. */
export function durationsIn(figures: Readonly<Record<string, number>>): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const range of histogram.counts.keys()) histogram.counts[range] = figures[figureOfRange(range)] ?? 0;
  histogram.sumMs = figures[FIGURE_OF_SUM] ?? 0;
  return histogram;
}
