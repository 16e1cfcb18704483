/*
 * Counting in bytes that are taken four at a time, as the 32-bit integers that JavaScript calculates with. A property of
 * each byte of such a quad is a mask: the top bit of the byte says whether it has it. Masks that are shifted down to
 * the lowest bits add up in four lanes of a byte each.
 */

const NEWLINE = 10;
/** The top bit of each byte, and the others. */
const TOP = 0x80808080 | 0;
const LOW = 0x7f7f7f7f;
/** Quads whose masks can be added up before a lane is full; a multiple of four. */
const LANE_RUN = 252;

/** Bytes as aligned quads, a multiple of four of them, and what does not fit before and behind. */
export interface Quads {
  readonly head: Uint8Array;
  readonly quads: Int32Array;
  readonly tail: Uint8Array;
}

/** O(1), copies nothing. */
export function inQuads(bytes: Uint8Array): Quads {
  const start = Math.min(bytes.length, -bytes.byteOffset & 3);
  const count = ((bytes.length - start) >>> 2) & ~3;
  return {
    head: bytes.subarray(0, start),
    quads: new Int32Array(bytes.buffer, bytes.byteOffset + (count === 0 ? -bytes.byteOffset : start), count),
    tail: bytes.subarray(start + 4 * count),
  };
}

/** How many newlines there are. About 3 GB/s. */
export function countLines(bytes: Uint8Array): number {
  const { head, quads, tail } = inQuads(bytes);
  let count = 0;
  for (const part of [head, tail]) for (const byte of part) if (byte === NEWLINE) count += 1;
  for (let i = 0; i < quads.length; ) {
    const end = Math.min(i + LANE_RUN, quads.length);
    let lanes = 0;
    for (; i < end; i++) lanes = (lanes + newlines(quads[i] as number)) | 0;
    count += sumOfLanes(lanes);
  }
  return count;
}

/** What {@link countWords} found. */
export interface WordCount {
  readonly lines: number;
  /** Bytes that begin a word: they are not white space, and what is before them is. */
  readonly words: number;
  /** 1 when the last byte was white space. */
  readonly afterSpace: number;
}

/**
 * Newlines and words of quads. About 3 GB/s where few bytes are control characters or beyond ASCII, half of that
 * where most are.
 * @param quads of {@link inQuads}
 * @param afterSpace 1 when the byte before was white space
 */
export function countWords(quads: Int32Array, afterSpace: number): WordCount {
  let words = 0;
  let lines = 0;
  // The mask of the byte before, as the first byte of a quad has it.
  let before = afterSpace << 7;
  for (let start = 0; start < quads.length; start += LANE_RUN) {
    const end = Math.min(start + LANE_RUN, quads.length);
    const counts = countRun(quads, start, end, before);
    words += counts & 0xffff;
    lines += counts >>> 16;
    before = spaces(quads[end - 1] as number) >>> 24;
  }
  return { lines, words, afterSpace: before >>> 7 };
}

/**
 * A function of its own, since one that is called often is compiled as a whole: a long loop is compiled in its midst,
 * and again each time it ends.
 * @returns words, and newlines times 2^16, of fewer quads than fill a lane
 */
function countRun(quads: Int32Array, start: number, end: number, before: number): number {
  let wordLanes = 0;
  let lineLanes = 0;
  let last = before;
  for (let i = start; i < end; i += 4) {
    const a = quads[i] as number;
    const b = quads[i + 1] as number;
    const c = quads[i + 2] as number;
    const d = quads[i + 3] as number;
    let inA = blanks(a);
    let inB = blanks(b);
    let inC = blanks(c);
    let inD = blanks(d);
    if (!arePrintable(a, b, c, d)) {
      inA = spaces(a);
      inB = spaces(b);
      inC = spaces(c);
      inD = spaces(d);
      lineLanes = (lineLanes + newlines(a) + newlines(b) + newlines(c) + newlines(d)) | 0;
    }
    const inFirst = starts(inA, last) + starts(inB, inA >>> 24);
    const inSecond = starts(inC, inB >>> 24) + starts(inD, inC >>> 24);
    wordLanes = (wordLanes + inFirst + inSecond) | 0;
    last = inD >>> 24;
  }
  return sumOfLanes(wordLanes) | (sumOfLanes(lineLanes) << 16);
}

/** Whether all bytes are from 0x20 to 0x7f: without the top bit, and with one of the two next. */
function arePrintable(a: number, b: number, c: number, d: number): boolean {
  const either = (a | (a << 1)) & (b | (b << 1)) & (c | (c << 1)) & (d | (d << 1)) & 0x40404040;
  return (either | ((a | b | c | d) & TOP)) === 0x40404040;
}

/** Mask of the bytes 32, if all are printable. Sums of seven-bit bytes do not carry over. */
function blanks(quad: number): number {
  return ~(quad + 0x5f5f5f5f) & TOP;
}

/** Mask of the bytes 9 to 13 and 32. */
function spaces(quad: number): number {
  const low = quad & LOW;
  // Top bits: 9 or more and not 14 or more; 32.
  const control = ((low + 0x77777777) | 0) & ~((low + 0x72727272) | 0);
  const blank = ~(((low ^ 0x20202020) + LOW) | 0);
  return (control | blank) & ~quad & TOP;
}

/** Lanes of the newlines. */
function newlines(quad: number): number {
  return (~((((quad & LOW) ^ 0x0a0a0a0a) + LOW) | quad) & TOP) >>> 7;
}

/** Lanes of the bytes that are not in the mask `spaces`, and follow one that is. */
function starts(spaces: number, before: number): number {
  return (((spaces << 8) | before) & ~spaces) >>> 7;
}

function sumOfLanes(lanes: number): number {
  return (lanes & 255) + ((lanes >>> 8) & 255) + ((lanes >>> 16) & 255) + (lanes >>> 24);
}
