/** So many keys may wait to be deleted, at least. */
const LEAST_LEAVING_KEYS = 64;
/** Of those that are there, so many may wait. */
const LEAVING_PART = 1 / 8;

/**
 * A map of which keys leave and come back, again and again: all is O(1), amortised. In a Map what is deleted
 * stays behind as a hole in the chain of its key until the table is made anew, which is after as many
 * deletions as half of its keys; who sets the key again walks past all of its holes. One key that is changed
 * over and over costs 100 us each time among 100,000 others. Here a key that leaves keeps its place for some
 * time, without its value, and is deleted with many others, if it is still gone then.
 */
export class SteadyMap<K, V extends object | string | number | true> {
  readonly #values = new Map<K, V | undefined>();
  /** Those that have left since others were deleted; some may be back. */
  #leaving: K[] = [];
  #size = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    return this.#values.get(key);
  }

  has(key: K): boolean {
    return this.#values.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    if (this.#values.get(key) === undefined) this.#size += 1;
    this.#values.set(key, value);
  }

  /** @returns whether it was there */
  delete(key: K): boolean {
    if (this.#values.get(key) === undefined) return false;
    this.#values.set(key, undefined);
    this.#size -= 1;
    this.#leaving.push(key);
    if (this.#leaving.length > Math.max(LEAST_LEAVING_KEYS, this.#size * LEAVING_PART)) this.#purge();
    return true;
  }

  /** In the order in which keys first came. As of a Map, it may be changed meanwhile. */
  *keys(): Generator<K> {
    for (const [key, value] of this.#values) if (value !== undefined) yield key;
  }

  /** As {@link keys}. */
  *values(): Generator<V> {
    for (const value of this.#values.values()) if (value !== undefined) yield value;
  }

  #purge(): void {
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const key of leaving) if (this.#values.get(key) === undefined) this.#values.delete(key);
  }
}
