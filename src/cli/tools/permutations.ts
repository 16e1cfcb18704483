/**
 * Words at the end of a permutation whose orders are tabulated: 6! = 720 of them, or fewer when they are
 * long.
 */
const TABULATED_WORDS = 6;
/** Most bytes of the rows of one table, as far as one row fits; and of all that are kept. */
const TABLE_BYTES = 64 * 1024;
const ALL_TABLES_BYTES = 16 * 1024 ** 2;

/**
 * Writes all permutations of some words, one behind the other, in lexicographic order of the words' places:
 * the first is the words as they are given. Equal words count as different ones.
 *
 * Permutations with the same few words at the end come again and again with other words before them. So the
 * orders of these words are kept as a table of rows, to be copied as a whole; then the words before are
 * written into each row:
 *
 *     0 1 | 2 3 4
 *     0 1 | 2 4 3        the same right side behind 1 0, and behind every other order of
 *     0 1 | 3 2 4        the words that it lacks
 *     ...
 *
 * A table is made of tables in the same way: of each word in turn before all orders of the others.
 */
export class Permutations {
  /** Bytes of one permutation. */
  readonly length: number;
  readonly #words: readonly Uint8Array[];
  readonly #end: Uint8Array;
  readonly #tabulated: number;
  readonly #tables = new Map<string, Uint8Array>();
  #tablesBytes = 0;
  /** The words' places in the order that is next, of which the tabulated ones are ascending. */
  readonly #places: Buffer;
  /** The words before those. */
  readonly #heads: Uint8Array;
  #head: Uint8Array;
  /** The table of those, and where in it the next row is. */
  #table: Uint8Array;
  #position = 0;
  #done = false;

  /** @param words 1 to 255, not all empty @param end what each permutation ends with */
  constructor(words: readonly Uint8Array[], end: Uint8Array = new Uint8Array(0)) {
    this.#words = words.map(word => new Uint8Array(word));
    this.#end = end;
    this.length = words.reduce((sum, word) => sum + word.length, end.length);
    this.#tabulated = tabulatedOf(words.length, this.length);
    this.#places = Buffer.from(words.map((_, place) => place));
    this.#heads = new Uint8Array(this.length);
    this.#head = this.#currentHead();
    this.#table = this.#currentTable();
  }

  /**
   * Writes as many permutations as there is room for.
   * @param room of a permutation or more; 4-byte aligned for speed
   * @returns bytes written, 0 when all have been
   */
  fill(room: Uint8Array): number {
    const whole = room.length - (room.length % this.length);
    let written = 0;
    while (!this.#done && written < whole) {
      const size = Math.min(whole - written, this.#table.length - this.#position);
      const rows = room.subarray(written, written + size);
      rows.set(this.#table.subarray(this.#position, this.#position + size));
      writeColumn(rows, 0, this.#head, this.length);
      written += size;
      this.#position += size;
      if (this.#position === this.#table.length) this.#advance();
    }
    return written;
  }

  /** Goes on to the next order of the words that are not tabulated, if there is one. */
  #advance(): void {
    const places = this.#places;
    const fixed = places.length - this.#tabulated;
    // The places of the table, ascending, have been in all orders, of which the last is descending.
    places.subarray(fixed).reverse();
    let pivot = fixed - 1;
    while (pivot >= 0 && (places[pivot] as number) > (places[pivot + 1] as number)) pivot -= 1;
    this.#done = pivot < 0;
    if (this.#done) return;
    const smaller = places[pivot] as number;
    let larger = places.length - 1;
    while ((places[larger] as number) < smaller) larger -= 1;
    places[pivot] = places[larger] as number;
    places[larger] = smaller;
    places.subarray(pivot + 1).reverse();
    this.#head = this.#currentHead();
    this.#table = this.#currentTable();
    this.#position = 0;
  }

  #currentHead(): Uint8Array {
    const fixed = this.#places.length - this.#tabulated;
    let length = 0;
    for (let i = 0; i < fixed; i++) {
      const word = this.#words[this.#places[i] as number] as Uint8Array;
      this.#heads.set(word, length);
      length += word.length;
    }
    return this.#heads.subarray(0, length);
  }

  #currentTable(): Uint8Array {
    return this.#tableOf(this.#places.toString('latin1', this.#places.length - this.#tabulated));
  }

  /**
   * All orders of some words, as rows that have room for the words before.
   * @param places of the words, ascending, as the codes of characters
   */
  #tableOf(places: string): Uint8Array {
    const known = this.#tables.get(places);
    if (known !== undefined) return known;
    const table = this.#makeTable(places);
    if (this.#tablesBytes + table.length > ALL_TABLES_BYTES) {
      this.#tables.clear();
      this.#tablesBytes = 0;
    }
    this.#tables.set(places, table);
    this.#tablesBytes += table.length;
    return table;
  }

  #makeTable(places: string): Uint8Array {
    const table = new Uint8Array(this.length * factorial(places.length));
    let column = this.length - this.#end.length;
    if (places.length === 0) table.set(this.#end, column);
    for (let i = 0; i < places.length; i++) column -= this.#wordAt(places, i).length;
    for (let i = 0; i < places.length; i++) {
      const others = this.#tableOf(places.slice(0, i) + places.slice(i + 1));
      const rows = table.subarray(i * others.length, (i + 1) * others.length);
      rows.set(others);
      writeColumn(rows, column, this.#wordAt(places, i), this.length);
    }
    return table;
  }

  #wordAt(places: string, i: number): Uint8Array {
    return this.#words[places.charCodeAt(i)] as Uint8Array;
  }
}

/** Writes the same at one position of all rows; four bytes at a time where everything is aligned to that. */
function writeColumn(rows: Uint8Array, column: number, part: Uint8Array, length: number): void {
  const all = rows.byteOffset | rows.length | column | part.byteOffset | part.length | length;
  if (all % 4 === 0) writeUnits(asQuads(rows), column / 4, asQuads(part), length / 4);
  else writeUnits(rows, column, part, length);
}

/**
 * Down the rows, so that what is written stays in registers: four units at a time, and what is left one by
 * one.
 */
function writeUnits<T extends Uint8Array | Int32Array>(
  rows: T,
  column: number,
  part: T,
  length: number,
): void {
  const [fours, end] = [part.length & ~3, rows.length];
  for (let i = 0; i < fours; i += 4) {
    const [a, b, c, d] = [part[i], part[i + 1], part[i + 2], part[i + 3]] as [number, number, number, number];
    for (let to = column + i; to < end; to += length) {
      rows[to] = a;
      rows[to + 1] = b;
      rows[to + 2] = c;
      rows[to + 3] = d;
    }
  }
  for (let i = fours; i < part.length; i++) {
    const unit = part[i] as number;
    for (let to = column + i; to < end; to += length) rows[to] = unit;
  }
}

/** How many words are tabulated: one at least. */
function tabulatedOf(words: number, length: number): number {
  let count = 1;
  while (count < Math.min(TABULATED_WORDS, words) && factorial(count + 1) * length <= TABLE_BYTES) count += 1;
  return count;
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

function asQuads(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
