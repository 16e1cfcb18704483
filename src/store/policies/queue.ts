import type { CacheEntry } from '../policy.ts';

/** Where an entry stands in a queue. */
export class Place {
  readonly entry: CacheEntry;
  /** Whose place it is: see Places. */
  readonly places: object | undefined;
  /** Towards the front. */
  before: this | undefined;
  /** Towards the back. */
  after: this | undefined;

  constructor(entry: CacheEntry, places?: object) {
    this.entry = entry;
    this.places = places;
  }
}

/**
 * Entries in an order, of which the first is the next to go. Everything is O(1): a Map's order would do, were
 * it not that V8 finds the first of its keys by passing over all that were deleted before it.
 */
export class Queue<P extends Place> {
  #front: P | undefined;
  #back: P | undefined;
  #bytes = 0;

  get front(): P | undefined {
    return this.#front;
  }

  /** The sizes of all entries, together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Puts a place that is in no queue behind all others. */
  push(place: P): void {
    place.before = this.#back;
    place.after = undefined;
    if (this.#back === undefined) this.#front = place;
    else this.#back.after = place;
    this.#back = place;
    this.#bytes += place.entry.size;
  }

  /** Takes a place out that is in this queue. */
  remove(place: P): void {
    const { before, after } = place;
    if (before === undefined) this.#front = after;
    else before.after = after;
    if (after === undefined) this.#back = before;
    else after.before = before;
    place.before = undefined;
    place.after = undefined;
    this.#bytes -= place.entry.size;
  }

  moveToBack(place: P): void {
    this.remove(place);
    this.push(place);
  }
}
