/** How something changes in time, and how sure that is. */
export interface Growth {
  /** By Theil and Sen: the median of the slopes between all pairs, in units a step. */
  readonly slope: number;
  /** A slope that it has at least, by this confidence. */
  readonly least: number;
  /** By Mann and Kendall: how likely values without any trend rise as much as this, from 0 to 1. */
  readonly chance: number;
}

/** Of how many standard deviations the normal distribution has more than 1 in 1000, on one side. */
const CONFIDENCE_DEVIATIONS = 3.09;

/**
 * Whether values rise in time, whatever their distribution is: Mann-Kendall's test with ties, and Theil-Sen's
 * slope with its bound. O(n² log n).
 * @param values measured in equal steps; at least 8
 */
export function growthOf(values: readonly number[]): Growth {
  const slopes: number[] = [];
  let score = 0;
  for (let from = 0; from < values.length; from++) {
    for (let to = from + 1; to < values.length; to++) {
      const rise = (values[to] as number) - (values[from] as number);
      score += Math.sign(rise);
      slopes.push(rise / (to - from));
    }
  }
  slopes.sort((a, b) => a - b);
  const deviation = Math.sqrt(scoreVariance(values));
  // Sen: so many slopes lie between the median and the bound.
  const rank = Math.floor((slopes.length - CONFIDENCE_DEVIATIONS * deviation) / 2);
  const deviations = deviation === 0 ? 0 : (score - Math.sign(score)) / deviation;
  return {
    slope: medianOfSorted(slopes),
    least: slopes[Math.max(0, Math.min(rank, slopes.length - 1))] ?? 0,
    chance: upperTail(deviations),
  };
}

/** The variance of Kendall's score when there is no trend; equal values make it smaller. */
function scoreVariance(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const term = (count: number): number => count * (count - 1) * (2 * count + 5);
  const ties = [...counts.values()].reduce((sum, count) => sum + term(count), 0);
  return (term(values.length) - ties) / 18;
}

/** How often the two slopes are estimated again, each without the effect of the other. */
const ROUNDS = 20;

/**
 * Values less what something else explains that goes up and down with them: a slope against its logarithm, by
 * Theil and Sen. What rises in time without it stays in, so both slopes are sought together (backfitting).
 * @param driver of each of the values
 */
function withoutEffect(values: readonly number[], driver: readonly number[]): number[] {
  const logs = driver.map(value => Math.log(Math.max(1, value)));
  const steps = values.map((_, at) => at);
  let [effect, trend] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    effect = slopeOf(less(values, trend, steps), logs);
    trend = slopeOf(less(values, effect, logs), steps);
  }
  return less(values, effect, logs);
}

function less(values: readonly number[], slope: number, of: readonly number[]): number[] {
  return values.map((value, at) => value - slope * (of[at] as number));
}

/** The median of the slopes between all pairs. */
function slopeOf(values: readonly number[], places: readonly number[]): number {
  const slopes: number[] = [];
  for (let from = 0; from < values.length; from++) {
    for (let to = from + 1; to < values.length; to++) {
      const run = (places[to] as number) - (places[from] as number);
      if (run !== 0) slopes.push(((values[to] as number) - (values[from] as number)) / run);
    }
  }
  return medianOfSorted(slopes.sort((a, b) => a - b));
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** How likely a normally distributed number is above so many deviations (Abramowitz and Stegun 26.2.17). */
function upperTail(deviations: number): number {
  const x = Math.abs(deviations);
  const t = 1 / (1 + 0.2316419 * x);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (series * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  return deviations >= 0 ? tail : 1 - tail;
}

/** What is looked at for growth. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
  /** Growth over all the time that matters to nobody: in units of the values. */
  readonly slack: number;
  /**
   * What it goes up and down with: memory is what is under way, and what the collector has not come to, and
   * both are more where more is done. A machine that has more to give to the end is no growth.
   */
  readonly driver?: readonly number[] | undefined;
}

/** Says which series grow: surely, and by more than their slack. @param warmUp the part that is left out */
export function growing(series: readonly Series[], warmUp: number): string[] {
  return series.flatMap(({ name, values, slack, driver }) => {
    const start = Math.floor(values.length * warmUp);
    const raw = values.slice(start);
    const settled = driver === undefined ? raw : withoutEffect(raw, driver.slice(start));
    const { least, chance, slope } = growthOf(settled);
    if (chance > 0.001 || least * settled.length <= slack) return [];
    const [all, sure] = [slope * settled.length, least * settled.length];
    return [`${name} grew by ${all.toFixed(1)} in ${settled.length} samples, by ${sure.toFixed(1)} at least`];
  });
}
