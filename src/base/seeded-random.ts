/** Numbers that look random and are the same for the same seed on every machine. */
export class SeededRandom {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  /** @param seed its lower 32 bits count */
  constructor(seed: number) {
    this.#a = seed | 0;
    // Until the seed has reached all of the state.
    for (let i = 0; i < 15; i++) this.#next();
  }

  /** From 0 to 1, without 1. */
  uniform(): number {
    return (this.#next() >>> 0) / 2 ** 32;
  }

  /** Normally distributed with mean 0 and deviation 1, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Small fast counting generator of 32 bits (C. Doty-Humphrey's sfc32, PractRand). */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }
}
