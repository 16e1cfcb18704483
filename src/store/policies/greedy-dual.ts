import type { CacheEntry } from '../policy.ts';
import { Heap } from './heap.ts';

/** What an entry is worth. */
interface Valued {
  readonly entry: CacheEntry;
  uses: number;
  value: number;
  /** Later uses have higher ones. */
  lastUse: number;
  index: number;
}

/**
 * Entries in the order of what they are worth, above an inflation that rises to the worth of what was evicted
 * last: so what was not used for long goes in the end, however much it was worth. What the policies named
 * after Greedy-Dual have in common.
 *
 * `added`, `hit` and `removed` are O(log n), so is `victim` for each entry that it passes over.
 */
export class GreedyDual {
  readonly #entries = new Map<CacheEntry, Valued>();
  readonly #worthOf: (entry: CacheEntry, uses: number) => number;
  /** Equal worth, which the rounding of a high inflation makes more frequent, is decided as LRU does. */
  readonly #heap = new Heap<Valued>((a, b) =>
    a.value === b.value ? a.lastUse < b.lastUse : a.value < b.value,
  );
  /** The paper's L. */
  #inflation = 0;
  #uses = 0;

  /** @param worthOf what an entry that was used so often is worth, above the inflation: more than 0 */
  constructor(worthOf: (entry: CacheEntry, uses: number) => number) {
    this.#worthOf = worthOf;
  }

  /** The entry that is worth least. */
  get first(): CacheEntry | undefined {
    return this.#heap.first?.entry;
  }

  /** @param uses how often it was used, this time included */
  added(entry: CacheEntry, uses: number): void {
    const valued = { entry, uses, value: 0, lastUse: 0, index: 0 };
    this.#use(valued, this.#inflation);
    this.#entries.set(entry, valued);
    this.#heap.add(valued);
  }

  /** @returns whether it is there */
  hit(entry: CacheEntry): boolean {
    const valued = this.#entries.get(entry);
    if (valued === undefined) return false;
    valued.uses += 1;
    this.#use(valued, this.#inflation);
    this.#heap.moved(valued);
    return true;
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
    valued.value = inflation + this.#worthOf(valued.entry, valued.uses);
  }
}
