import { SeededRandom } from '../../../base/seeded-random.ts';
import { type Trace, TraceBuilder } from './trace.ts';

export interface SyntheticOptions {
  readonly requests: number;
  /** How many files there are. */
  readonly objects: number;
  /**
   * The exponent of the popularity: the nth most popular file is read n^-alpha times as often as the first.
   */
  readonly alpha: number;
  /** The part of the requests, 0 to 1, for files besides these that are read once. Default 0. */
  readonly once?: number;
  /** The same trace for the same seed. */
  readonly seed: number;
}

/** Log-normal. */
const FILE_SIZE = {
  /** The mean in the IO-Lite paper's trace. */
  meanBytes: 17 * 1024,
  /**
   * Of the logarithm of the sizes. Source: P. Barford, M. Crovella, "Generating representative web
   * workloads", 1998.
   */
  deviation: 1.318,
} as const;

/**
 * Requests that are independent of each other, for files with a popularity by Zipf's law and log-normal sizes
 * of a mean of 17 KB that have nothing to do with the popularity. O(requests * log(objects)).
 */
export function syntheticTrace({ requests, objects, alpha, once = 0, seed }: SyntheticOptions): Trace {
  const random = new SeededRandom(seed);
  const sizes = Array.from({ length: objects }, () => logNormal(random));
  const popularity = cumulativePopularity(objects, alpha);
  const total = popularity[objects - 1] as number;
  const builder = new TraceBuilder();
  for (let i = 0; i < requests; i++) {
    if (once > 0 && random.uniform() < once) {
      builder.add(`/once/${i}`, logNormal(random));
      continue;
    }
    const file = firstAbove(popularity, random.uniform() * total);
    builder.add(`/${file}`, sizes[file]);
  }
  return builder.withStatedSizes();
}

function logNormal(random: SeededRandom): number {
  const { meanBytes, deviation } = FILE_SIZE;
  const location = Math.log(meanBytes) - deviation ** 2 / 2;
  return Math.max(1, Math.round(Math.exp(location + deviation * random.normal())));
}

/** How often a file or a more popular one is read, in times of the first. */
function cumulativePopularity(objects: number, alpha: number): Float64Array {
  const cumulative = new Float64Array(objects);
  let sum = 0;
  for (let i = 0; i < objects; i++) {
    sum += (i + 1) ** -alpha;
    cumulative[i] = sum;
  }
  return cumulative;
}

/** The first place in ascending numbers that has one above `wanted`; the last if there is none. */
function firstAbove(ascending: Float64Array, wanted: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
