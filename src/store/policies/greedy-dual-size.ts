import type { CacheEntry, CachePolicy } from '../policy.ts';
import { GreedyDual } from './greedy-dual.ts';

/**
 * Greedy-Dual-Size with the same cost for every miss, GDS(1): the policy of the IO-Lite paper's server. An
 * entry is worth one miss per byte it takes: what was not used for long, or is large, goes first. It aims at
 * requests answered from memory, not at bytes.
 *
 * Source: P. Cao, S. Irani, "Cost-Aware WWW Proxy Caching Algorithms", USITS '97.
 */
export class GreedyDualSize implements CachePolicy {
  readonly name = 'gds';
  readonly #entries = new GreedyDual(({ size }) => 1 / Math.max(1, size));

  added(entry: CacheEntry): void {
    this.#entries.added(entry, 1);
  }

  hit(entry: CacheEntry): void {
    this.#entries.hit(entry);
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    this.#entries.removed(entry, evicted);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    return this.#entries.victim(eligible);
  }
}
