/** Words at the end of a permutation whose orders are tabulated: 6! = 720 of them, or fewer when they are long. */
const TABULATED = 6;
/** Most bytes of the rows of one table, as far as one row fits; and of all that are kept. */
const TABLE_BYTES = 64 * 1024;
const ALL_TABLES_BYTES = 16 * 1024 ** 2;

/** Bytes, or words of four where everything is a multiple of that. */
type Units = Uint8Array | Int32Array;

/**
 * Writes all permutations of some words, one behind the other, in lexicographic order of the words' places: the
 * first is the words as they are given. Equal words count as different ones.
 *
 * Permutations with the same few words at the end come again and again with other words before them. So their rows,
 * in all orders of these words, are kept as a table, which is copied as a whole; then the words before are written into
 * each row:
 *
 *     0 1 | 2 3 4        3 0 | 2 3 4
 *     0 1 | 2 4 3        ...          for each order of the words before, the same right side:
 *     0 1 | 3 2 4        as many tables as there are choices of the words, not orders
 */
export class Permutations {
  /** Bytes of one permutation. */
  readonly length: number;
  readonly #words: readonly Uint8Array[];
  readonly #end: Uint8Array;
  readonly #tabulated: number;
  /** The orders of the tabulated words, one behind the other. */
  readonly #orders: Uint8Array;
  readonly #tables = new Map<string, Uint8Array>();
  #tablesBytes = 0;
  /** Whether every word, and the end, fills words of four. */
  readonly #aligned: boolean;
  /** The words' places in the order that is next, of which the tabulated ones are ascending. */
  readonly #places: number[];
  /** The next row of the table. */
  #row = 0;
  #done = false;

  /** @param words one or more @param end what each permutation ends with */
  constructor(words: readonly Uint8Array[], end: Uint8Array = new Uint8Array(0)) {
    this.#words = words.map(word => new Uint8Array(word));
    this.#end = new Uint8Array(end);
    this.length = words.reduce((sum, word) => sum + word.length, end.length);
    this.#tabulated = tabulatedOf(words.length, this.length);
    this.#orders = ordersOf(this.#tabulated);
    this.#aligned = [...words, end].every(({ length }) => length % 4 === 0);
    this.#places = words.map((_, place) => place);
  }

  /**
   * Writes as many permutations as there is room for.
   * @param room of a permutation or more; 4-byte aligned for speed
   * @returns bytes written, 0 when all have been
   */
  fill(room: Uint8Array): number {
    let written = 0;
    const rows = this.#orders.length / this.#tabulated;
    while (!this.#done && room.length - written >= this.length) {
      const fits = Math.floor((room.length - written) / this.length);
      const count = Math.min(fits, rows - this.#row);
      const size = count * this.length;
      this.#fillRows(room.subarray(written, written + size));
      written += size;
      this.#row += count;
      if (this.#row < rows) continue;
      this.#row = 0;
      this.#done = !this.#advance();
    }
    return written;
  }

  /** Fills room of whole rows. */
  #fillRows(room: Uint8Array): void {
    const fixed = this.#places.length - this.#tabulated;
    const start = this.#row * this.length;
    room.set(this.#table(this.#places.slice(fixed)).subarray(start, start + room.length));
    const head = concat(this.#places.slice(0, fixed).map(place => this.#words[place] as Uint8Array));
    if (this.#aligned && room.byteOffset % 4 === 0) writeHeads(asQuads(room), asQuads(head), this.length / 4);
    else writeHeads(room, head, this.length);
  }

  /** The rows of all orders of the words of these places, with room for the words before. */
  #table(places: readonly number[]): Uint8Array {
    const key = String.fromCharCode(...places);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const table = this.#makeTable(places.map(place => this.#words[place] as Uint8Array));
    if (this.#tablesBytes + table.length > ALL_TABLES_BYTES) {
      this.#tables.clear();
      this.#tablesBytes = 0;
    }
    this.#tables.set(key, table);
    this.#tablesBytes += table.length;
    return table;
  }

  #makeTable(words: readonly Uint8Array[]): Uint8Array {
    const table = new Uint8Array((this.#orders.length / this.#tabulated) * this.length);
    const parts = [...words, this.#end];
    const before = this.length - parts.reduce((sum, part) => sum + part.length, 0);
    if (this.#aligned) {
      writeTails(asQuads(table), parts.map(asQuads), before / 4, this.#orders);
    } else writeTails(table, parts, before, this.#orders);
    return table;
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

/** Writes the same before all rows. */
function writeHeads(rows: Units, head: Units, length: number): void {
  for (let row = 0; row < rows.length; row += length) {
    for (let i = 0; i < head.length; i++) rows[row + i] = head[i] as number;
  }
}

/**
 * Writes the words in each of the orders, and what the row ends with.
 * @param parts the words, and the end
 * @param before where in a row they begin
 */
function writeTails(rows: Units, parts: readonly Units[], before: number, orders: Uint8Array): void {
  const words = parts.length - 1;
  let to = 0;
  for (let order = 0; order < orders.length; order += words) {
    to += before;
    for (let column = 0; column <= words; column++) {
      const part = parts[column < words ? (orders[order + column] as number) : words] as Units;
      for (let i = 0; i < part.length; i++) rows[to++] = part[i] as number;
    }
  }
}

/** How many words are tabulated: one at least. */
function tabulatedOf(words: number, length: number): number {
  const most = Math.min(TABULATED, words);
  let count = 1;
  for (let rows = 1; count < most; count++) {
    rows *= count + 1;
    if (rows * length > TABLE_BYTES) break;
  }
  return count;
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
