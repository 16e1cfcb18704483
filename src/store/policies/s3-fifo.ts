import type { CacheEntry, CachePolicy } from '../policy.ts';
import { Ghosts } from './ghosts.ts';
import { Places } from './places.ts';
import { Place, Queue } from './queue.ts';

class CountedPlace extends Place {
  queue: Queue<CountedPlace>;
  /** Hits since it came into its queue, up to {@link MAX_USES}. */
  uses = 0;

  constructor(entry: CacheEntry, places: Places<CountedPlace>, queue: Queue<CountedPlace>) {
    super(entry, places);
    this.queue = queue;
  }
}

const SMALL_PART = 0.1;
const MAX_USES = 3;
/** Hits in the small queue that lead into the main one. */
const PROVEN_USES = 2;

/**
 * S3-FIFO: three queues that are first in, first out. New entries come into a small one of a tenth of the
 * budget, from which only those hit twice move on to the main queue, so that what is read once passes through
 * quickly. Names of what left the small queue are remembered; what comes back while its name is, comes into
 * the main queue at once. There an entry that was hit goes around again, once for each hit. Sizes are in
 * bytes throughout.
 *
 * `added`, `hit` and `removed` are O(1); so is `victim`, amortised over the hits, but for entries that it
 * passes over.
 *
 * Source: J. Yang and others, "FIFO queues are all you need for cache eviction", SOSP '23.
 */
export class S3Fifo implements CachePolicy {
  readonly name = 's3fifo';
  readonly #places = new Places<CountedPlace>();
  readonly #small = new Queue<CountedPlace>();
  readonly #main = new Queue<CountedPlace>();
  readonly #ghosts: Ghosts;
  #smallBytes: number;

  /** @param budget of the cache, in bytes */
  constructor(budget: number) {
    this.#smallBytes = budget * SMALL_PART;
    this.#ghosts = new Ghosts(budget - this.#smallBytes);
  }

  resized(budget: number): void {
    this.#smallBytes = budget * SMALL_PART;
    this.#ghosts.resize(budget - this.#smallBytes);
  }

  added(entry: CacheEntry): void {
    const queue = this.#ghosts.take(entry.key) ? this.#main : this.#small;
    const place = new CountedPlace(entry, this.#places, queue);
    this.#places.add(entry, place);
    queue.push(place);
  }

  hit(entry: CacheEntry): void {
    const place = this.#places.get(entry);
    // Written only where it changes: what is hit most has come to the bound.
    if (place !== undefined && place.uses < MAX_USES) place.uses += 1;
  }

  removed(entry: CacheEntry, evicted: boolean): void {
    const place = this.#places.get(entry);
    if (place === undefined) return;
    this.#places.delete(entry);
    place.queue.remove(place);
    if (evicted && place.queue === this.#small) this.#ghosts.add(entry.key, entry.size);
  }

  victim(eligible: (entry: CacheEntry) => boolean): CacheEntry | undefined {
    const ofMain = (): CacheEntry | undefined =>
      firstOf(this.#main, eligible, place => this.#reinsert(place));
    const ofSmall = (): CacheEntry | undefined =>
      firstOf(this.#small, eligible, place => this.#promote(place));
    const smallIsBelow = this.#small.bytes < this.#smallBytes;
    // What the small queue has given to the main one may be the only entry that is eligible: so twice.
    return (smallIsBelow ? ofMain() : undefined) ?? ofSmall() ?? ofMain();
  }

  #promote(place: CountedPlace): boolean {
    if (place.uses < PROVEN_USES) return false;
    this.#small.remove(place);
    place.queue = this.#main;
    place.uses = 0;
    this.#main.push(place);
    return true;
  }

  #reinsert(place: CountedPlace): boolean {
    if (place.uses === 0) return false;
    place.uses -= 1;
    this.#main.moveToBack(place);
    return true;
  }
}

/**
 * The first entry of a queue that is neither spared nor passed over.
 * @param spared moves a place that deserves to stay
 */
function firstOf(
  queue: Queue<CountedPlace>,
  eligible: (entry: CacheEntry) => boolean,
  spared: (place: CountedPlace) => boolean,
): CacheEntry | undefined {
  const passed: CountedPlace[] = [];
  let place = queue.front;
  while (place !== undefined) {
    if (!spared(place)) {
      if (eligible(place.entry)) break;
      queue.remove(place);
      passed.push(place);
    }
    place = queue.front;
  }
  for (const each of passed) queue.push(each);
  return place?.entry;
}
