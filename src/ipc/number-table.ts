import { CHECKED, invariant } from '../base/invariant.ts';

/** Numbers that have a slot of their own, a power of two. */
const SLOTS = 256;

/**
 * Values by numbers of 32 bits that mostly follow one another and leave soon, as those of requests do: a
 * tenth of what a Map costs, which is made anew whenever enough has left it. Numbers whose slot is taken go
 * to a Map.
 */
export class NumberTable<T extends object> {
  readonly #numbers = new Uint32Array(SLOTS);
  readonly #values: (T | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #others = new Map<number, T>();

  has(number: number): boolean {
    return this.get(number) !== undefined;
  }

  get(number: number): T | undefined {
    const slot = number & (SLOTS - 1);
    if (this.#numbers[slot] === number && this.#values[slot] !== undefined) return this.#values[slot];
    return this.#others.size === 0 ? undefined : this.#others.get(number);
  }

  /** How many there are. Looks at all slots. */
  get size(): number {
    return this.#values.filter(value => value !== undefined).length + this.#others.size;
  }

  /** @param number one that is not there */
  add(number: number, value: T): void {
    if (CHECKED) invariant(!this.has(number), 'a number is added to a table once');
    const slot = number & (SLOTS - 1);
    if (this.#values[slot] !== undefined) {
      this.#others.set(number, value);
      return;
    }
    this.#numbers[slot] = number;
    this.#values[slot] = value;
  }

  /** Removes a number. @returns its value */
  take(number: number): T | undefined {
    const slot = number & (SLOTS - 1);
    const value = this.#values[slot];
    if (value !== undefined && this.#numbers[slot] === number) {
      this.#values[slot] = undefined;
      return value;
    }
    if (this.#others.size === 0) return undefined;
    const other = this.#others.get(number);
    this.#others.delete(number);
    return other;
  }

  /** All that is there now, in no order. */
  entries(): [number: number, value: T][] {
    const entries = [...this.#others];
    for (let slot = 0; slot < SLOTS; slot++) {
      const value = this.#values[slot];
      if (value !== undefined) entries.push([this.#numbers[slot] as number, value]);
    }
    return entries;
  }
}
