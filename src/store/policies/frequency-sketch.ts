/** Places of the table: one for so many bytes of the budget, a power of two of them within these bounds. */
const PLACE_BYTES = 1024;
const MIN_PLACES = 4096;
const MAX_PLACES = 2 ** 20;
const MAX_COUNT = 0xffff;
/** Counts, for each place, after which all are halved. */
const PLACE_COUNTS = 4;
/** Places that a name has. */
const ROWS = 4;

/**
 * How often names were counted of late: an estimate that is never too low but for what was forgotten, in a
 * table that grows with no name (a count-min sketch, of which only the lowest counters of a name rise).
 * After four times as many counts as it has places all of them are halved. O(1) but for that, which is so
 * amortised.
 *
 * Source: G. Cormode, S. Muthukrishnan, "An Improved Data Stream Summary: The Count-Min Sketch and its
 * Applications", Journal of Algorithms, 2005.
 */
export class FrequencySketch {
  /** Two bytes each: 8 KiB to 2 MiB. */
  readonly #counters: Uint16Array;
  #counts = 0;

  /** @param budget of the cache whose names are counted, in bytes */
  constructor(budget: number) {
    let places = MIN_PLACES;
    while (places < MAX_PLACES && places * PLACE_BYTES < budget) places *= 2;
    this.#counters = new Uint16Array(places);
  }

  /** From 0 to 65,535. */
  estimate(name: string): number {
    return this.#lowest(hashOf(name));
  }

  /** Counts a name, so many times. @returns the estimate with these */
  add(name: string, times = 1): number {
    const hash = hashOf(name);
    const after = Math.min(MAX_COUNT, this.#lowest(hash) + times);
    for (let row = 0; row < ROWS; row++) {
      const place = this.#placeOf(hash, row);
      if ((this.#counters[place] as number) < after) this.#counters[place] = after;
    }
    this.#counts += times;
    if (this.#counts >= PLACE_COUNTS * this.#counters.length) this.#age();
    return after;
  }

  #lowest(hash: number): number {
    let lowest = MAX_COUNT;
    for (let row = 0; row < ROWS; row++) {
      lowest = Math.min(lowest, this.#counters[this.#placeOf(hash, row)] as number);
    }
    return lowest;
  }

  #placeOf(hash: number, row: number): number {
    // An odd step: the rows of a name are different places, and those of two names rarely the same.
    return (hash + Math.imul(row, (hash >>> 15) | 1)) & (this.#counters.length - 1);
  }

  #age(): void {
    const counters = this.#counters;
    for (let place = 0; place < counters.length; place++) counters[place] = (counters[place] as number) >> 1;
    this.#counts >>= 1;
  }
}

/** FNV-1a, and the end of MurmurHash3, which lets each bit depend on all others. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
