import { SeededRandom } from '../src/base/seeded-random.ts';

/** Choices, the same for the same seed. */
export class Random {
  readonly #numbers: SeededRandom;

  constructor(seed: number) {
    this.#numbers = new SeededRandom(seed);
  }

  /** From 0 to `end`, without it. */
  below(end: number): number {
    return Math.floor(this.#numbers.uniform() * end);
  }

  /** Small mostly, and now and then nearly as large as `most`. */
  size(most: number): number {
    return Math.floor(most * this.#numbers.uniform() ** 3);
  }

  chance(part: number): boolean {
    return this.#numbers.uniform() < part;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Some of what `make` makes, `most` at most. */
  several<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** Cuts bytes into pieces, which are copies. */
  cut(bytes: Buffer): Buffer[] {
    const pieces: Buffer[] = [];
    const largest = 1 + this.size(Math.max(1, bytes.length));
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + this.below(largest);
      pieces.push(Buffer.from(bytes.subarray(at, at + length)));
      at += length;
    }
    return pieces;
  }
}

/** A seed that is the same for the same bytes: for what a target chooses itself. */
export function seedOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
