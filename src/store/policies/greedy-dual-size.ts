import type { CacheEntry, CachePolicy } from '../policy.ts';
import { Heap } from './heap.ts';

/** What an entry is worth. */
interface Valued {
  readonly entry: CacheEntry;
  value: number;
  /** Later uses have higher ones. */
  lastUse: number;
  index: number;
}

/**
 * Greedy-Dual-Size with the same cost for every miss, GDS(1): the policy of the IO-Lite paper's server. An
 * entry is worth one miss per byte it takes, above an inflation that rises to the worth of what was evicted
 * last: what was not used for long, or is large, goes first. It aims at requests answered from memory, not at
 * bytes.
 *
 * `added`, `hit` and `removed` are O(log n), so is `victim` for each entry that it passes over.
 *
 * Source: P. Cao, S. Irani, "Cost-Aware WWW Proxy Caching Algorithms", USITS '97.
 */
export class GreedyDualSize implements CachePolicy {
  readonly name = 'gds';
  readonly #entries = new Map<CacheEntry, Valued>();
  /** Equal worth, which the rounding of a high inflation makes more frequent, is decided as LRU does. */
  readonly #heap = new Heap<Valued>((a, b) =>
    a.value === b.value ? a.lastUse < b.lastUse : a.value < b.value,
  );
  /** The paper's L. */
  #inflation = 0;
  #uses = 0;

  added(entry: CacheEntry): void {
    const valued = { entry, value: 0, lastUse: 0, index: 0 };
    this.#use(valued, this.#inflation);
    this.#entries.set(entry, valued);
    this.#heap.add(valued);
  }

  hit(entry: CacheEntry): void {
    const valued = this.#entries.get(entry);
    if (valued === undefined) return;
    this.#use(valued, this.#inflation);
    this.#heap.moved(valued);
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    const valued = this.#entries.get(entry);
    if (valued === undefined) return;
    this.#entries.delete(entry);
    this.#heap.remove(valued);
    if (evicted) this.#inflation = Math.max(this.#inflation, valued.value);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const passed: Valued[] = [];
    let first = this.#heap.first;
    while (first !== undefined && !eligible(first.entry)) {
      this.#heap.remove(first);
      passed.push(first);
      first = this.#heap.first;
    }
    for (const valued of passed) {
      // Being in use, it is worth as much as if it were read after the victim went.
      if (first !== undefined) this.#use(valued, first.value);
      this.#heap.add(valued);
    }
    return first?.entry;
  }

  #use(valued: Valued, inflation: number): void {
    this.#uses += 1;
    valued.lastUse = this.#uses;
    valued.value = inflation + 1 / Math.max(1, valued.entry.size);
  }
}
