/** Keys that are remembered one by one, at least; at most there are twice as many. */
const REMEMBERED_KEYS = 1000;

/**
 * When keys were invalidated, of those that were not asked for since. However many they are, a bounded number
 * is remembered one by one, the latest: of the others the time of the last invalidation is kept, which counts
 * for every key that is not remembered. So no invalidation is ever forgotten; what was not invalidated may
 * count as if it was, which costs the owner a look at what it has, once.
 *
 * `add` and `of` are O(1).
 */
export class Invalidations {
  #recent = new Map<string, number>();
  #before = new Map<string, number>();
  /** The latest of those that are not remembered. */
  #latestOfOthers = 0;

  /** How many keys are remembered. */
  get size(): number {
    return this.#recent.size + this.#before.size;
  }

  /** A key was invalidated. @param time later than those given before, in milliseconds */
  add(key: string, time: number): void {
    this.#before.delete(key);
    this.#recent.set(key, time);
    if (this.#recent.size < REMEMBERED_KEYS) return;
    for (const at of this.#before.values()) this.#latestOfOthers = Math.max(this.#latestOfOthers, at);
    this.#before = this.#recent;
    this.#recent = new Map();
  }

  /** When a key was invalidated, or something later; 0: never. */
  of(key: string): number {
    return this.#recent.get(key) ?? this.#before.get(key) ?? this.#latestOfOthers;
  }

  /** A key was asked for, and what came is later than its invalidation. */
  settle(key: string): void {
    this.#recent.delete(key);
    this.#before.delete(key);
  }
}
