/**
 * What is known of the bytes of a chunk, in the chunk's own header, behind its ACL: so whoever holds the
 * chunk reads it there, without a question, and nobody but the chunk's owner can have written it.
 * Little-endian, one record behind the other:
 *
 *      0  state  u32: the generation that the fact is of; anything else ends the log
 *      4  size   u32: of the fact, at most 64
 *      8  key    16 bytes
 *     24  fact, and zeros up to a multiple of 4
 *
 * A record is never changed while its generation lasts, and its state is written last: so a reader, who holds
 * a lease, sees all of it or nothing. The log is as long as the page has room, and takes no more then.
 */
const SIZE_AT = 4;
const KEY_AT = 8;
export const FACT_KEY_BYTES = 16;
const FACT_AT = KEY_AT + FACT_KEY_BYTES;
export const MAX_FACT_BYTES = 64;
const STEP_BYTES = 4;

/** The log of a chunk of ours. */
export class FactLog {
  readonly #page: Buffer;
  readonly #states: Int32Array;
  readonly #start: number;
  #generation = 0;
  #end: number;

  /**
   * @param page the chunk's header
   * @param start of the log in it, a multiple of 4
   */
  constructor(page: Buffer, start: number) {
    this.#page = page;
    this.#states = statesOf(page);
    this.#start = start;
    this.#end = start;
  }

  /** Adds a fact. @returns false when there is no room for it */
  add(generation: number, key: Buffer, fact: Buffer): boolean {
    if (generation !== this.#generation) this.clear();
    this.#generation = generation;
    if (findFact(this.#page, this.#start, generation, key) !== undefined) return true;
    const at = this.#end;
    const end = endOf(at, fact.length);
    const page = this.#page;
    if (fact.length > MAX_FACT_BYTES || end > page.length) return false;
    page.writeUInt32LE(fact.length, at + SIZE_AT);
    key.copy(page, at + KEY_AT);
    fact.copy(page, at + FACT_AT);
    Atomics.store(this.#states, at / STEP_BYTES, generation | 0);
    this.#end = end;
    return true;
  }

  /** Forgets all: what was known before tells whoever is given the chunk next of what lay there. */
  clear(): void {
    this.#page.fill(0, this.#start, this.#end);
    this.#end = this.#start;
  }
}

/** A fact of a generation that the caller has leased; a copy. */
export function findFact(page: Buffer, start: number, generation: number, key: Buffer): Buffer | undefined {
  const states = statesOf(page);
  for (let at = start; at + FACT_AT < page.length; ) {
    if (Atomics.load(states, at / STEP_BYTES) !== (generation | 0)) return undefined;
    const size = page.readUInt32LE(at + SIZE_AT);
    const end = endOf(at, size);
    if (size > MAX_FACT_BYTES || end > page.length) return undefined;
    if (page.compare(key, 0, FACT_KEY_BYTES, at + KEY_AT, at + FACT_AT) === 0)
      return Buffer.from(page.subarray(at + FACT_AT, at + FACT_AT + size));
    at = end;
  }
  return undefined;
}

function statesOf(page: Buffer): Int32Array {
  return new Int32Array(page.buffer, page.byteOffset, page.length / STEP_BYTES);
}

function endOf(at: number, size: number): number {
  return at + FACT_AT + Math.ceil(size / STEP_BYTES) * STEP_BYTES;
}
