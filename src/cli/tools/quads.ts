import { NEWLINE } from '../../base/ascii.ts';

/*
 * Counting in bytes that are taken four at a time, as the 32-bit integers that JavaScript calculates with. A
 * property of each byte of such a quad is a mask: the top bit of the byte says whether it has it. Masks that
 * are shifted down to the lowest bits add up in four lanes of a byte each.
 */

/** The top bit of each byte, and the others. */
const TOP = 0x80808080 | 0;
const LOW = 0x7f7f7f7f;
/** Quads whose masks can be added up before a lane is full; a multiple of four. */
const LANE_RUN_QUADS = 252;

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
  for (let start = 0; start < quads.length; start += LANE_RUN_QUADS) {
    count += newlinesOfRun(quads, start, Math.min(start + LANE_RUN_QUADS, quads.length));
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
 * Newlines and words of quads. About 3.5 GB/s where few bytes are control characters or beyond ASCII, half of
 * that where most are.
 * @param quads of {@link inQuads}
 * @param afterSpace 1 when the byte before was white space
 */
export function countWords(quads: Int32Array, afterSpace: number): WordCount {
  let words = 0;
  let lines = 0;
  let before = afterSpace;
  for (let start = 0; start < quads.length; start += LANE_RUN_QUADS) {
    const end = Math.min(start + LANE_RUN_QUADS, quads.length);
    const counts = wordsOfRun(quads, start, end, before);
    words += counts & 0xffff;
    lines += counts >>> 16;
    before = spaces(quads[end - 1] as number) >>> 31;
  }
  return { lines, words, afterSpace: before };
}

/*
 * What counts a run is a function of its own, since one that is called often is compiled as a whole: a long
 * loop is compiled while it runs, and again each time it ends.
 */

function newlinesOfRun(quads: Int32Array, start: number, end: number): number {
  let lanes = 0;
  for (let i = start; i < end; i++) lanes = (lanes + newlines(quads[i] as number)) | 0;
  return sumOfLanes(lanes);
}

/**
 * @param carry 1 when the byte before was white space
 * @returns words, and newlines times 2^16, of fewer quads than fill a lane
 */
function wordsOfRun(quads: Int32Array, start: number, end: number, carry: number): number {
  let wordLanes = 0;
  let lineLanes = 0;
  let before = carry;
  for (let i = start; i < end; i += 4) {
    const a = quads[i] as number;
    const b = quads[i + 1] as number;
    const c = quads[i + 2] as number;
    const d = quads[i + 3] as number;
    let inSpace: number;
    if (arePrintable(a, b, c, d)) {
      inSpace = interleave(a + 0x5f5f5f5f, b + 0x5f5f5f5f, c + 0x5f5f5f5f, d + 0x5f5f5f5f) ^ 0x0f0f0f0f;
    } else {
      inSpace = interleave(spaces(a), spaces(b), spaces(c), spaces(d));
      lineLanes = (lineLanes + newlines(a) + newlines(b) + newlines(c) + newlines(d)) | 0;
    }
    // A byte's neighbour is one lane up, and that of the last lane, one bit up, in the first.
    const afterSpace = (inSpace << 8) | ((inSpace >>> 23) & 0x0e) | before;
    wordLanes = (wordLanes + bitsOfLanes(afterSpace & ~inSpace)) | 0;
    before = inSpace >>> 27;
  }
  return sumOfLanes(wordLanes) | (sumOfLanes(lineLanes) << 16);
}

/**
 * Whether all bytes are from 0x20 to 0x7f. (What the sums carry over comes of bytes that have the top bit.)
 */
function arePrintable(a: number, b: number, c: number, d: number): boolean {
  const beyond = (a + 0x60606060) & (b + 0x60606060) & (c + 0x60606060) & (d + 0x60606060);
  return (beyond & ~(a | b | c | d) & TOP) === TOP;
}

/** The masks of four quads as bits 0 to 3 of each lane; lower bits than the top ones do not matter. */
function interleave(a: number, b: number, c: number, d: number): number {
  return ((a & TOP) >>> 7) | ((b & TOP) >>> 6) | ((c & TOP) >>> 5) | ((d & TOP) >>> 4);
}

/** How many of the bits 0 to 3 each lane has. */
function bitsOfLanes(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x05050505);
  return (pairs & 0x03030303) + ((pairs >>> 2) & 0x03030303);
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

function sumOfLanes(lanes: number): number {
  return (lanes & 255) + ((lanes >>> 8) & 255) + ((lanes >>> 16) & 255) + (lanes >>> 24);
}
