/** Words at the end of a permutation whose orders are tabulated: 6! = 720 of them. */
const TABULATED = 6;

/**
 * Writes all permutations of some words, one behind the other, in lexicographic order of the words' places: the
 * first is the words as they are given. Equal words count as different ones.
 *
 * The orders of the last few words are a table, so that a permutation costs a copy of its words and nothing else.
 */
export class Permutations {
  readonly #words: readonly Uint8Array[];
  readonly #length: number;
  /** The orders of the tabulated words. */
  readonly #orders: Uint8Array;
  readonly #tabulated: number;
  /** The words' places in the order that is next, of which the tabulated ones are ascending. */
  readonly #places: number[];
  /** The next row of the table. */
  #row = 0;
  #done = false;

  constructor(words: readonly Uint8Array[]) {
    this.#words = words;
    this.#length = words.reduce((sum, word) => sum + word.length, 0);
    this.#tabulated = Math.min(TABULATED, words.length);
    this.#orders = ordersOf(this.#tabulated);
    this.#places = words.map((_, place) => place);
  }

  /** Bytes of one permutation. */
  get length(): number {
    return this.#length;
  }

  /**
   * Writes as many permutations as there is room for.
   * @param room of a permutation or more; 4-byte aligned for speed
   * @returns bytes written, 0 when all have been
   */
  fill(room: Uint8Array): number {
    let written = 0;
    const rows = this.#orders.length / this.#tabulated;
    while (!this.#done && room.length - written >= this.#length) {
      const fits = Math.floor((room.length - written) / this.#length);
      const count = Math.min(fits, rows - this.#row);
      this.#fillRows(room, written, count);
      written += count * this.#length;
      this.#row += count;
      if (this.#row < rows) continue;
      this.#row = 0;
      this.#done = !this.#advance();
    }
    return written;
  }

  #fillRows(room: Uint8Array, at: number, count: number): void {
    const fixed = this.#places.length - this.#tabulated;
    const words = this.#places.map(place => this.#words[place] as Uint8Array);
    const table = this.#orders.subarray(this.#row * this.#tabulated, (this.#row + count) * this.#tabulated);
    const head = concat(words.slice(0, fixed));
    const tail = words.slice(fixed);
    const width = tail[0]?.length ?? 0;
    const quads = width % 4 === 0 && head.length % 4 === 0 && (room.byteOffset + at) % 4 === 0;
    if (quads && width > 0 && width <= 64 && tail.every(word => word.length === width)) {
      const target = new Int32Array(room.buffer, room.byteOffset + at, (count * this.#length) / 4);
      fillQuads(target, asQuads(head), asQuads(concat(tail)), width / 4, table, this.#tabulated);
    } else fillBytes(room, at, head, tail, table);
  }

  /** The next order of the words that are not tabulated. @returns false after the last */
  #advance(): boolean {
    const places = this.#places;
    const fixed = places.length - this.#tabulated;
    let pivot = fixed - 1;
    // The places behind the pivot are descending, and those of the table, ascending, count as turned around.
    const rest = places.splice(fixed).reverse();
    places.push(...rest);
    while (pivot >= 0 && (places[pivot] as number) > (places[pivot + 1] as number)) pivot -= 1;
    if (pivot < 0) return false;
    let larger = places.length - 1;
    while ((places[larger] as number) < (places[pivot] as number)) larger -= 1;
    [places[pivot], places[larger]] = [places[larger] as number, places[pivot] as number];
    places.push(...places.splice(pivot + 1).reverse());
    return true;
  }
}

function fillQuads(
  target: Int32Array,
  head: Int32Array,
  tail: Int32Array,
  width: number,
  table: Uint8Array,
  columns: number,
): void {
  let to = 0;
  for (let row = 0; row < table.length; row += columns) {
    for (let i = 0; i < head.length; i++) target[to++] = head[i] as number;
    for (let column = 0; column < columns; column++) {
      let from = (table[row + column] as number) * width;
      for (const end = from + width; from < end; from++) target[to++] = tail[from] as number;
    }
  }
}

function fillBytes(
  room: Uint8Array,
  at: number,
  head: Uint8Array,
  tail: readonly Uint8Array[],
  table: Uint8Array,
): void {
  let to = at;
  for (let row = 0; row < table.length; row += tail.length) {
    room.set(head, to);
    to += head.length;
    for (let column = 0; column < tail.length; column++) {
      const word = tail[table[row + column] as number] as Uint8Array;
      room.set(word, to);
      to += word.length;
    }
  }
}

/** All orders of `count` places, lexicographic, one behind the other. */
function ordersOf(count: number): Uint8Array {
  const orders: number[] = [];
  const extend = (order: readonly number[]): void => {
    if (order.length === count) orders.push(...order);
    else for (let place = 0; place < count; place++) if (!order.includes(place)) extend([...order, place]);
  };
  extend([]);
  return Uint8Array.from(orders);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function asQuads(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
