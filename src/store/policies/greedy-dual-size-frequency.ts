import type { CacheEntry, CachePolicy } from '../policy.ts';
import { FrequencySketch, MAX_COUNT } from './frequency-sketch.ts';
import { GreedyDual } from './greedy-dual.ts';

/**
 * Greedy-Dual-Size with frequency, GDSF: an entry is worth one miss per byte it takes, as often as it was
 * used. How often is known of what is not in the cache too, as far as it was asked for of late: so what comes
 * back goes on where it was. And once room is short, nothing is admitted that saves fewer requests per byte
 * than what would go first: of files that are read once, few take the place of others.
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
  readonly #entries = new GreedyDual(({ size }, uses) => Math.min(uses, MAX_COUNT) / Math.max(1, size));

  /** @param budget of the cache, in bytes */
  constructor(budget: number) {
    this.#requests = new FrequencySketch(budget);
  }

  admit({ key, size }: CacheEntry): boolean {
    const requests = this.#requests.add(key);
    const { first } = this.#entries;
    if (first === undefined) return true;
    return requests * Math.max(1, first.size) > this.#requests.estimate(first.key) * Math.max(1, size);
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
