import type { CacheEntry, CachePolicy } from '../policy.ts';
import { Place, Queue } from './queue.ts';

/**
 * Least recently used, as in the IO-Lite paper (§3.7): ordered by current use first, then by the time of the
 * last use. An entry that is passed over as being in use has its last use now, and moves behind all others.
 *
 * All is O(1), `victim` but for the entries that it passes over, each once.
 */
export class LeastRecentlyUsed implements CachePolicy {
  readonly name = 'lru';
  readonly #places = new Map<CacheEntry, Place>();
  /** The least recently used first. */
  readonly #queue = new Queue<Place>();

  added(entry: CacheEntry): void {
    const place = new Place(entry);
    this.#places.set(entry, place);
    this.#queue.push(place);
  }

  hit(entry: CacheEntry): void {
    const place = this.#places.get(entry);
    if (place !== undefined) this.#queue.moveToBack(place);
  }

  removed(entry: CacheEntry): void {
    const place = this.#places.get(entry);
    if (place === undefined) return;
    this.#places.delete(entry);
    this.#queue.remove(place);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    let firstPassed: Place | undefined;
    for (;;) {
      const place = this.#queue.front;
      if (place === undefined || place === firstPassed) return undefined;
      if (eligible(place.entry)) return place.entry;
      firstPassed ??= place;
      this.#queue.moveToBack(place);
    }
  }
}
