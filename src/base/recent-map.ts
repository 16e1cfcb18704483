/**
 * A map of the entries that were used last: at least so many as its limit, and at most twice as many. All is
 * O(1), whatever goes; a Map that is bounded by deleting its first key takes longer the more were deleted.
 */
export class RecentMap<K, V> {
  readonly #limit: number;
  #recent = new Map<K, V>();
  #before = new Map<K, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#recent.size + this.#before.size;
  }

  get(key: K): V | undefined {
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const before = this.#before.get(key);
    if (before !== undefined) this.set(key, before);
    return before;
  }

  set(key: K, value: V): void {
    this.#before.delete(key);
    this.#recent.set(key, value);
    if (this.#recent.size < this.#limit) return;
    this.#before = this.#recent;
    this.#recent = new Map();
  }

  delete(key: K): void {
    this.#recent.delete(key);
    this.#before.delete(key);
  }
}
