import { checkInteger } from '../../base/error.ts';
import type { CacheEntry, CachePolicy } from '../policy.ts';
import { createPolicy, type PolicyName } from './index.ts';

/** What a cache has that is simulated. */
export interface SimulationOptions {
  /** What leaves a full cache. */
  readonly policy: PolicyName | CachePolicy;
  /** In bytes. */
  readonly budget: number;
}

/**
 * What a file cache would do with requests, without files and memory: entries come, are hit, and are evicted
 * by the same policies in the same way. No entry is ever in use, and a file takes its size: what the store's
 * segments need besides (headers, dead bytes, room) is for the budget to add.
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { CacheSimulation } from 'iolite/file';
 *
 * const cache = new CacheSimulation({ policy: 'lru', budget: 1000 });
 * cache.request('/a', 600);
 * cache.request('/a', 600);
 * cache.request('/b', 500); // evicts /a
 * cache.request('/a', 600);
 * assert.equal(cache.hitRatio, 1 / 4);
 * assert.equal(cache.byteHitRatio, 600 / 2300);
 * ```
 */
export class CacheSimulation {
  readonly #policy: CachePolicy;
  readonly #budget: number;
  readonly #entries = new Map<string, CacheEntry>();
  #bytes = 0;
  #requests = 0;
  #hits = 0;
  #requestedBytes = 0;
  #hitBytes = 0;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor({ policy, budget }: SimulationOptions) {
    this.#policy = createPolicy(policy, budget);
    this.#budget = budget;
  }

  /** Bytes of the entries that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The part of the requests that were hits, 0 to 1. */
  get hitRatio(): number {
    return this.#requests === 0 ? 0 : this.#hits / this.#requests;
  }

  /** The part of the bytes requested that were those of hits, 0 to 1. */
  get byteHitRatio(): number {
    return this.#requestedBytes === 0 ? 0 : this.#hitBytes / this.#requestedBytes;
  }

  /**
   * A file is read. One that has another size than before has changed.
   * @param size in bytes
   * @returns whether it was a hit
   */
  request(key: string, size: number): boolean {
    checkInteger(size, 'size', 0, Number.MAX_SAFE_INTEGER);
    this.#requests += 1;
    this.#requestedBytes += size;
    const present = this.#entries.get(key);
    if (present?.size === size) {
      this.#hits += 1;
      this.#hitBytes += size;
      this.#policy.hit(present);
      return true;
    }
    if (present !== undefined) this.#remove(present, false);
    if (size <= this.#budget) this.#add({ key, size });
    return false;
  }

  #add(entry: CacheEntry): void {
    if (this.#bytes + entry.size > this.#budget && this.#policy.admit?.(entry) === false) return;
    while (this.#bytes + entry.size > this.#budget) {
      const victim = this.#policy.victim(() => true);
      if (victim === undefined) return;
      this.#remove(victim, true);
    }
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.size;
    this.#policy.added(entry);
  }

  #remove(entry: CacheEntry, evicted: boolean): void {
    this.#entries.delete(entry.key);
    this.#bytes -= entry.size;
    this.#policy.removed(entry, evicted);
  }
}
