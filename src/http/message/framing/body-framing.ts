/** How long a body is, as the head of its message says: in bytes; undefined where it comes in chunks. */
interface Stated {
  readonly length: number | undefined;
}

/** Finds the end of a body in the bytes that come. One is for one body. */
export interface BodyFraming {
  /** Whether the end was found. */
  readonly isOver: boolean;
  /** Bytes of the body that are still to come; undefined where nobody knows. */
  readonly left: number | undefined;
  /**
   * Takes what of some bytes belongs to the body, data and what stands around it.
   * @param bytes small runs of data are moved in them, to lie behind the one before
   * @param runs gets where data lies: start and end of each run, in turns. Undefined: nobody wants it, and
   *   nothing is moved
   * @returns how many bytes it took, up to the body's end; -1 if they are none of a body
   */
  take(bytes: Buffer, runs: number[] | undefined): number;
}

/** A body whose length was stated (RFC 9112, 6.2). */
export class LengthFraming implements BodyFraming {
  left: number;

  /** @param length in bytes */
  constructor(length: number) {
    this.left = length;
  }

  get isOver(): boolean {
    return this.left === 0;
  }

  take(bytes: Buffer, runs: number[] | undefined): number {
    const count = Math.min(this.left, bytes.length);
    if (count > 0) runs?.push(0, count);
    this.left -= count;
    return count;
  }
}

/** Runs of data that are smaller are moved behind the one before: to refer to each costs more. */
const SMALL_RUN_BYTES = 2048;
/** Digits of a chunk's size, and bytes of its extensions. */
const MAX_DIGITS = 12;
const MAX_EXTENSION_BYTES = 256;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** What a byte may stand in. */
const DIGIT = 0x10;
const TOKEN = 0x20;
const classes = new Uint8Array(256);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
  classes[char.charCodeAt(0)]! |= TOKEN;
}
/** The value of a digit is in its lower four bits. */
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  for (const char of [digit, digit.toUpperCase()]) classes[char.charCodeAt(0)]! |= DIGIT | value;
}

/** Where in a body in chunks the next byte stands. */
type Place =
  /** The first digit of a size; one behind it. */
  | 'size'
  | 'digits'
  /** In an extension: where a name has to begin, within one; the same of its value. */
  | 'extension'
  | 'name'
  | 'equals'
  | 'value'
  /** The line feed behind a size; data; the two bytes behind it. */
  | 'line'
  | 'data'
  | 'return'
  | 'feed'
  /** The empty line behind the last chunk. */
  | 'last return'
  | 'last feed'
  | 'over';

/**
 * A body in chunks (RFC 9112, 7.1), strictly: extensions are words, with words for their values, and are
 * dropped; there are no trailers, no white space, and no line feed without a carriage return.
 */
export class ChunkedFraming implements BodyFraming {
  #place: Place = 'size';
  /** Of a chunk: what its size is as far as it was read, then what of it is still to come. */
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;

  get isOver(): boolean {
    return this.#place === 'over';
  }

  get left(): undefined {
    return undefined;
  }

  take(bytes: Buffer, runs: number[] | undefined): number {
    let at = 0;
    while (at < bytes.length && this.#place !== 'over') {
      if (this.#place === 'data') {
        const count = Math.min(this.#size, bytes.length - at);
        if (runs !== undefined) addRun(bytes, runs, at, count);
        at += count;
        this.#size -= count;
        if (this.#size === 0) this.#place = 'return';
      } else {
        const next = this.#after(bytes[at] as number);
        if (next === undefined) return -1;
        this.#place = next;
        at += 1;
      }
    }
    return at;
  }

  /** Where a byte that is none of the data leads; undefined if it may not stand here. */
  #after(byte: number): Place | undefined {
    switch (this.#place) {
      case 'size':
        this.#size = 0;
        this.#digits = 0;
        this.#extensionBytes = 0;
        return this.#digit(byte);
      case 'digits':
        return byte === CR || byte === SEMICOLON ? this.#within(byte) : this.#digit(byte);
      case 'extension':
      case 'name':
      case 'equals':
      case 'value':
        return this.#extend(byte, this.#place);
      case 'line':
        if (byte !== LF) return undefined;
        return this.#size === 0 ? 'last return' : 'data';
      case 'return':
        return byte === CR ? 'feed' : undefined;
      case 'feed':
        return byte === LF ? 'size' : undefined;
      case 'last return':
        return byte === CR ? 'last feed' : undefined;
      default:
        return byte === LF ? 'over' : undefined;
    }
  }

  /** What may follow a size, a name or a value. */
  #within(byte: number): Place | undefined {
    if (byte === CR) return 'line';
    return byte === SEMICOLON ? 'extension' : undefined;
  }

  #digit(byte: number): Place | undefined {
    this.#digits += 1;
    if ((classes[byte]! & DIGIT) === 0 || this.#digits > MAX_DIGITS) return undefined;
    this.#size = this.#size * 16 + (classes[byte]! & 0xf);
    return 'digits';
  }

  #extend(byte: number, place: 'extension' | 'name' | 'equals' | 'value'): Place | undefined {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) return undefined;
    const isName = place === 'extension' || place === 'name';
    if ((classes[byte]! & TOKEN) !== 0) return isName ? 'name' : 'value';
    if (place === 'name' && byte === EQUALS) return 'equals';
    return place === 'name' || place === 'value' ? this.#within(byte) : undefined;
  }
}

function addRun(bytes: Buffer, runs: number[], start: number, count: number): void {
  const last = runs.length - 1;
  const end = runs[last];
  if (end !== undefined && (count < SMALL_RUN_BYTES || end === start)) {
    if (end !== start) bytes.copyWithin(end, start, start + count);
    runs[last] = end + count;
  } else {
    runs.push(start, start + count);
  }
}

/** Whether some bytes begin as the body does that follows: if not, somebody else is to look at them. */
export function mayBegin(stated: Stated, bytes: Buffer): boolean {
  return stated.length !== undefined || new ChunkedFraming().take(bytes, undefined) !== -1;
}

/** Whether all of a body lies in some bytes. */
export function holdsAll({ length }: Stated, bytes: Buffer): boolean {
  if (length !== undefined) return length <= bytes.length;
  const framing = new ChunkedFraming();
  framing.take(bytes, undefined);
  return framing.isOver;
}
