import type { CacheEntry } from '../policy.ts';
import type { Place } from './queue.ts';

/**
 * Where the entries of one policy stand. It is noted at the entry where that has room for it, so that a hit
 * costs no look into a table of all of them; a table has the others.
 */
export class Places<P extends Place> {
  readonly #others = new Map<CacheEntry, P>();

  get(entry: CacheEntry): P | undefined {
    const { place } = entry;
    if (place !== undefined && (place as P).places === this) return place as P;
    return this.#others.size === 0 ? undefined : this.#others.get(entry);
  }

  add(entry: CacheEntry, place: P): void {
    // Another policy may follow the same entries.
    if (place.places === this && 'place' in entry && entry.place === undefined) entry.place = place;
    else this.#others.set(entry, place);
  }

  delete(entry: CacheEntry): void {
    if ((entry.place as P | undefined)?.places === this) entry.place = undefined;
    else this.#others.delete(entry);
  }
}
