import { SeededRandom } from '../src/base/seeded-random.ts';

/** Draws from a seed: the same draws in the same order for the same seed. */
export class Draw {
  readonly #random: SeededRandom;

  /** @param seed its lower 32 bits count */
  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.#random.uniform() * (most - least + 1));
  }

  /** Whether something that has this chance, from 0 to 1, comes to pass. */
  chance(part: number): boolean {
    return this.#random.uniform() < part;
  }

  /** One of several. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length - 1)] as T;
  }

  /** One of several, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.#random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries.at(-1) as [T, number])[0];
  }

  /** A size: each order of magnitude as often as another. */
  size(least: number, most: number): number {
    return Math.floor(least * (most / least) ** this.#random.uniform());
  }

  /** How long until the next of events that come at random, with this mean: exponentially distributed. */
  wait(mean: number): number {
    return -Math.log(1 - this.#random.uniform()) * mean;
  }
}

/** A seed that follows from another one and a name. */
export function seedOf(seed: number, name: string): number {
  let mixed = seed | 0;
  for (const character of name) mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x01000193);
  return mixed;
}
