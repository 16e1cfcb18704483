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
}
