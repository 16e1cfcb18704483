const SPREAD = 0x9e3779b1;
const WORD_BYTES = 4;

interface Entry<T> {
  readonly hash: number;
  /** Bytes, and they themselves in words, those behind the end zero. */
  readonly length: number;
  readonly words: Int32Array;
  readonly value: T;
  /** Whether they came again. */
  cameAgain: boolean;
}

/** Fingerprints of what came once, two bytes each. */
const FINGERPRINTS = 2 ** 18;

/** What is made of bytes. @param kept whether it is kept, or made for this time alone */
type Maker<T> = (bytes: Buffer, start: number, end: number, kept: boolean) => T | undefined;

export interface BytesMemoOptions {
  /** As many slots there may become; a power of two. Default: as many as there are at first. */
  readonly mostSlots?: number;
  /**
   * Whether only what comes a second time is kept, so that what never does takes no memory, and no work of
   * the garbage collector. Costs half a megabyte. Default false.
   */
  readonly second?: boolean;
}

/** When so many of what came again lost their slots, as a part of these, there are too few. */
const LOST_PART = 1 / 4;

/**
 * What was made of bytes, by these bytes, for a peer that sends the same ones again and again: to look one up
 * is to compare it with what came before, and makes no garbage. What falls on the slot of another takes its
 * place; if that happens often to what comes again, there are more slots from then on, up to a bound.
 */
export class BytesMemo<T> {
  #slots: (Entry<T> | undefined)[];
  readonly #mostSlots: number;
  /** How many that came again lost their slot since there are so many. */
  #lost = 0;
  readonly #longest: number;
  readonly #make: Maker<T>;
  readonly #once: Uint16Array | undefined;
  /** Of where was looked last: mostly all lie in the same memory. */
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer, 0, 0);

  /**
   * @param slots a power of two, up to 65,536
   * @param longest bytes of what is kept
   * @param make what to make of bytes, or undefined: that is not kept
   */
  constructor(
    slots: number,
    longest: number,
    make: Maker<T>,
    { mostSlots = slots, second = false }: BytesMemoOptions = {},
  ) {
    if (second) this.#once = new Uint16Array(FINGERPRINTS);
    this.#slots = Array.from({ length: slots }, () => undefined);
    this.#mostSlots = mostSlots;
    this.#longest = longest;
    this.#make = make;
  }

  /** What is made of these bytes: the same as before, if it is there still. @throws what making it throws */
  recall(bytes: Buffer, start: number, end: number): T | undefined {
    const length = end - start;
    if (length > this.#longest) return this.#make(bytes, start, end, false);
    if (bytes !== this.#bytes) this.#lookInto(bytes);
    const spread = this.#hashOf(start, end);
    const hash = spread >>> 16;
    const known = this.#slots[hash & (this.#slots.length - 1)];
    if (known?.length === length && this.#isAt(start, known.words, length)) {
      if (!known.cameAgain) known.cameAgain = true;
      return known.value;
    }
    const kept = this.#once === undefined || this.#hasCome(spread);
    const value = this.#make(bytes, start, end, kept);
    if (value === undefined || !kept) return value;
    if (known?.cameAgain === true) this.#lose();
    this.#forgetComing(spread);
    const words = this.#wordsAt(start, length);
    this.#slots[hash & (this.#slots.length - 1)] = { hash, length, words, value, cameAgain: false };
    return value;
  }

  /** Whether something with this hash came before, as far as is known. From now on it has. */
  #hasCome(hash: number): boolean {
    const once = this.#once as Uint16Array;
    const mixed = mixedOf(hash);
    const place = placeOf(mixed);
    const fingerprint = fingerprintOf(mixed);
    if (once[place] === fingerprint) return true;
    once[place] = fingerprint;
    return false;
  }

  /** What is kept is to come twice again before it is kept once more: there may be many that lose a slot. */
  #forgetComing(hash: number): void {
    if (this.#once !== undefined) this.#once[placeOf(mixedOf(hash))] = 0;
  }

  /** Something that came again has lost its slot. */
  #lose(): void {
    this.#lost += 1;
    const { length } = this.#slots;
    if (this.#lost < length * LOST_PART || length >= this.#mostSlots) return;
    this.#lost = 0;
    const slots: (Entry<T> | undefined)[] = Array.from({ length: 2 * length }, () => undefined);
    for (const entry of this.#slots) if (entry !== undefined) slots[entry.hash & (2 * length - 1)] = entry;
    this.#slots = slots;
  }

  #lookInto(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #hashOf(start: number, end: number): number {
    const view = this.#view;
    let hash = end - start;
    let at = start;
    for (; at + WORD_BYTES <= end; at += WORD_BYTES) hash = Math.imul(hash ^ view.getInt32(at, true), SPREAD);
    hash = Math.imul(hash ^ this.#lastWord(at, end), SPREAD);
    return hash;
  }

  #isAt(start: number, words: Int32Array, length: number): boolean {
    const view = this.#view;
    const whole = length >>> 2;
    for (let i = 0; i < whole; i++)
      if (view.getInt32(start + i * WORD_BYTES, true) !== words[i]) return false;
    return (
      whole === words.length || this.#lastWord(start + whole * WORD_BYTES, start + length) === words[whole]
    );
  }

  #wordsAt(start: number, length: number): Int32Array {
    const words = new Int32Array((length + WORD_BYTES - 1) >>> 2);
    for (let i = 0; i < length >>> 2; i++) words[i] = this.#view.getInt32(start + i * WORD_BYTES, true);
    if ((length & 3) !== 0) words[length >>> 2] = this.#lastWord(start + (length & ~3), start + length);
    return words;
  }

  /** The up to three bytes behind the last whole word. */
  #lastWord(at: number, end: number): number {
    let word = 0;
    for (let i = end - 1; i >= at; i--) word = (word << 8) | this.#view.getUint8(i);
    return word;
  }
}

/** Of a hash the upper bits depend on all words, the lower ones on a few: mixed, both ends do. */
function mixedOf(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), SPREAD);
}

function placeOf(mixed: number): number {
  return (mixed ^ (mixed >>> 14)) & (FINGERPRINTS - 1);
}

function fingerprintOf(mixed: number): number {
  return (mixed >>> 16) | 1;
}
