/** What is to be counted, besides bytes. */
export interface Wanted {
  readonly lines: boolean;
  readonly words: boolean;
  readonly chars: boolean;
}

const NEWLINE = 10;
/** The top bit of each byte of a word of four, and the others. */
const TOP = 0x80808080 | 0;
const LOW = 0x7f7f7f7f;
/** Words of four that can be counted into lanes of a byte before these are full. */
const LANE_RUN = 255;

/**
 * Counts a stream of bytes that is cut anywhere: lines (newlines), words (runs of bytes that are not one of the
 * six white-space characters of ASCII), characters (valid UTF-8 sequences; other bytes count for none).
 */
export class Counter {
  readonly #wanted: Wanted;
  lines = 0;
  words = 0;
  bytes = 0;
  /** 1 when the byte before was white space, or there was none. */
  #afterSpace = 1;
  readonly #characters = new CharacterCounter();

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  get chars(): number {
    return this.#characters.count;
  }

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.#wanted.chars) this.#characters.add(bytes);
    if (this.#wanted.words) this.#addWords(bytes);
    else if (this.#wanted.lines) this.lines += countLines(bytes);
  }

  /** Lines and words, four bytes at a time as far as the alignment allows. */
  #addWords(bytes: Uint8Array): void {
    const { head, quads, tail } = inQuads(bytes);
    this.#addBytes(head);
    this.#addQuads(quads);
    this.#addBytes(tail);
  }

  #addBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      const space = byte === 32 || (byte >= 9 && byte <= 13) ? 1 : 0;
      this.words += this.#afterSpace & (space ^ 1);
      this.#afterSpace = space;
      if (byte === NEWLINE) this.lines += 1;
    }
  }

  #addQuads(quads: Int32Array): void {
    // The top bit of the byte before, as a word of four has it in its lowest byte.
    let before = this.#afterSpace << 7;
    for (let i = 0; i < quads.length; ) {
      const end = Math.min(i + LANE_RUN, quads.length);
      let wordLanes = 0;
      let lineLanes = 0;
      for (; i < end; i++) {
        const quad = quads[i] as number;
        const low = quad & LOW;
        // Top bits: 9 or more and not 14 or more; 32; 10. Sums of seven-bit bytes do not carry over.
        const control = ((low + 0x77777777) | 0) & ~((low + 0x72727272) | 0);
        const blank = ~(((low ^ 0x20202020) + LOW) | 0);
        const space = (control | blank) & ~quad & TOP;
        wordLanes = (wordLanes + ((((space << 8) | before) & ~space & TOP) >>> 7)) | 0;
        before = space >>> 24;
        lineLanes = (lineLanes + ((~(((low ^ 0x0a0a0a0a) + LOW) | quad) & TOP) >>> 7)) | 0;
      }
      this.words += sumOfLanes(wordLanes);
      this.lines += sumOfLanes(lineLanes);
    }
    this.#afterSpace = before >>> 7;
  }
}

/** How many newlines there are. About 3 GB/s. */
export function countLines(bytes: Uint8Array): number {
  const { head, quads, tail } = inQuads(bytes);
  let count = 0;
  for (const part of [head, tail]) for (const byte of part) if (byte === NEWLINE) count += 1;
  for (let i = 0; i < quads.length; ) {
    const end = Math.min(i + LANE_RUN, quads.length);
    let lanes = 0;
    for (; i < end; i++) {
      const quad = quads[i] as number;
      lanes = (lanes + ((~((((quad & LOW) ^ 0x0a0a0a0a) + LOW) | quad) & TOP) >>> 7)) | 0;
    }
    count += sumOfLanes(lanes);
  }
  return count;
}

/** Bytes as aligned words of four, and what does not fit before and behind them. */
function inQuads(bytes: Uint8Array): { head: Uint8Array; quads: Int32Array; tail: Uint8Array } {
  const start = Math.min(bytes.length, -bytes.byteOffset & 3);
  const count = (bytes.length - start) >>> 2;
  return {
    head: bytes.subarray(0, start),
    quads: new Int32Array(bytes.buffer, bytes.byteOffset + (count === 0 ? -bytes.byteOffset : start), count),
    tail: bytes.subarray(start + 4 * count),
  };
}

function sumOfLanes(lanes: number): number {
  return (lanes & 255) + ((lanes >>> 8) & 255) + ((lanes >>> 16) & 255) + (lanes >>> 24);
}

/** Counts the valid UTF-8 sequences of a stream of bytes (Unicode, table 3-7). */
class CharacterCounter {
  count = 0;
  /** Continuation bytes that the sequence still needs, and the bounds of the next one. */
  #needed = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  add(bytes: Uint8Array): void {
    let { count } = this;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (this.#needed > 0) {
        if (byte >= this.#lowest && byte <= this.#highest) {
          this.#needed -= 1;
          this.#lowest = 0x80;
          this.#highest = 0xbf;
          if (this.#needed === 0) count += 1;
          continue;
        }
        // The sequence is broken, and this byte may begin another.
        this.#needed = 0;
      }
      if (byte < 0x80) count += 1;
      else this.#begin(byte);
    }
    this.count = count;
  }

  #begin(byte: number): void {
    this.#lowest = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#highest = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) this.#needed = 1;
    else if (byte >= 0xe0 && byte <= 0xef) this.#needed = 2;
    else if (byte >= 0xf0 && byte <= 0xf4) this.#needed = 3;
  }
}
