import { Place, Queue } from './queue.ts';

/**
 * A name weighs this much at least: no buffer takes less room in a chunk, and it bounds how many names there
 * are.
 */
const MIN_BYTES = 64;

/** Names of entries that went not long ago, the oldest forgotten first. */
export class Ghosts {
  readonly #places = new Map<string, Place>();
  readonly #queue = new Queue<Place>();
  #capacity: number;

  /** @param capacity how many bytes the entries remembered had, together */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(key: string, size: number): void {
    this.take(key);
    // Not the cache's own entry, which would live on with all that hangs on it.
    const place = new Place({ key, size: Math.max(size, MIN_BYTES) });
    this.#places.set(key, place);
    this.#queue.push(place);
    this.#forgetOldest();
  }

  /** Remembers so many bytes from here on. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#forgetOldest();
  }

  /** Forgets a name. @returns whether it was remembered */
  take(key: string): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    this.#places.delete(key);
    this.#queue.remove(place);
    return true;
  }

  #forgetOldest(): void {
    while (this.#queue.bytes > this.#capacity && this.#queue.front !== undefined) {
      this.take(this.#queue.front.entry.key);
    }
  }
}
