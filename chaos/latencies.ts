/** Steps of a quarter of a doubling: a percentile is right to a fifth. */
const STEPS = 4;

/** The class of a duration, by which it is counted. */
export function latencyClass(ms: number): number {
  return Math.max(0, Math.round(STEPS * Math.log2(Math.max(1, ms * 1000))));
}

/** The duration in milliseconds that a part of all does not exceed. 0 where there are none. */
export function percentileOf(counts: ReadonlyMap<number, number>, part: number): number {
  const classes = [...counts].sort(([a], [b]) => a - b);
  const all = classes.reduce((sum, [, count]) => sum + count, 0);
  let left = all * part;
  for (const [index, count] of classes) {
    left -= count;
    if (left <= 0 && all > 0) return 2 ** (index / STEPS) / 1000;
  }
  return 0;
}
