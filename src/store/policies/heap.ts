/** What a heap keeps: each item knows its place, so that it can be moved and taken out without a search. */
export interface HeapItem {
  /** The heap's. */
  index: number;
}

/** A binary heap: the first item by an order is at hand in O(1); all changes are O(log n). */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #precedes: (a: T, b: T) => boolean;

  /** @param precedes whether `a` comes before `b`: a strict order */
  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.index = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  /** Takes an item out that is in this heap. */
  remove(item: T): void {
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#put(last, item.index);
    this.moved(last);
  }

  /** Restores the order after an item's standing in it has changed. */
  moved(item: T): void {
    this.#rise(item);
    this.#sink(item);
  }

  #rise(item: T): void {
    while (item.index > 0) {
      const parent = this.#items[(item.index - 1) >> 1] as T;
      if (!this.#precedes(item, parent)) return;
      this.#exchange(parent, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.index + 1];
      if (left === undefined) return;
      const right = this.#items[2 * item.index + 2];
      const child = right !== undefined && this.#precedes(right, left) ? right : left;
      if (!this.#precedes(child, item)) return;
      this.#exchange(item, child);
    }
  }

  #exchange(a: T, b: T): void {
    const { index } = a;
    this.#put(a, b.index);
    this.#put(b, index);
  }

  #put(item: T, index: number): void {
    item.index = index;
    this.#items[index] = item;
  }
}
