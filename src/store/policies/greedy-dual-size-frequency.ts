import type { CacheEntry, CachePolicy } from '../policy.ts';
import { FrequencySketch } from './frequency-sketch.ts';
import { GreedyDual } from './greedy-dual.ts';

/** More uses than this are worth no more: what was popular once has to go within reasonable time. */
const MAX_USES = 255;
/** Reading so much more costs as much as another miss: what a disk reads ahead, and sends in that time. */
const MISS_BYTES = 128 * 1024;

/**
 * Greedy-Dual-Size with frequency, GDSF: an entry is worth what its miss costs, per byte that it takes, as
 * often as it was used. A miss costs the same for each, and besides that for each byte: so among small files
 * it is requests that count, and a large one that is read often stays. How often is known of what is not in
 * the cache too, as far as it was asked for of late: so what comes back goes on where it was. And once room
 * is short, nothing is admitted that saves less per byte than what would go first: of files that are read
 * once, few take the place of others.
 *
 * Costs as {@link GreedyDual}, and the memory of a {@link FrequencySketch}.
 *
 * Sources: L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy",
 * HP Laboratories, 1998; G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache Admission
 * Policy", ACM Transactions on Storage, 2017.
 */
export class GreedyDualSizeFrequency implements CachePolicy {
  readonly name = 'gdsf';
  readonly #requests: FrequencySketch;
  readonly #entries = new GreedyDual(({ size }, uses) => Math.min(uses, MAX_USES) * worthPerUse(size));

  /** @param budget of the cache, in bytes */
  constructor(budget: number) {
    this.#requests = new FrequencySketch(budget);
  }

  admit({ key, size }: CacheEntry, uses = 1): boolean {
    const requests = this.#requests.add(key, uses);
    const { first } = this.#entries;
    if (first === undefined) return true;
    return requests * worthPerUse(size) > this.#requests.estimate(first.key) * worthPerUse(first.size);
  }

  added(entry: CacheEntry): void {
    // It was counted when it was admitted, unless there was room.
    const requests = this.#requests.estimate(entry.key);
    this.#entries.added(entry, requests > 0 ? requests : this.#requests.add(entry.key));
  }

  hit(entry: CacheEntry): void {
    if (this.#entries.hit(entry)) this.#requests.add(entry.key);
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    this.#entries.removed(entry, evicted);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    return this.#entries.victim(eligible);
  }
}

/** What a hit saves for each byte that is kept. */
function worthPerUse(size: number): number {
  return 1 / Math.max(1, size) + 1 / MISS_BYTES;
}
