import { checkInteger } from '../../base/error.ts';
import type { Tree } from './branch.ts';
import { Cursor } from './cursor.ts';

/** A slice of fewer bytes is gathered with its neighbours before it is searched. */
const LARGE_SLICE_BYTES = 1024;
const GATHERED_BYTES = 8 * 1024;

/**
 * Position of the first occurrence of `needle`, which has at least one byte, that begins at `from` or later;
 * -1 for none. Large slices are searched where they are; small ones, and what lies over borders, in a scratch
 * buffer of 8 KiB or four times the needle. O(bytes + slices), as far as Buffer.indexOf is linear.
 */
export function find(tree: Tree | undefined, needle: Buffer, from: number): number {
  const overlap = needle.length - 1;
  const first = needle[0] as number;
  const large = Math.max(LARGE_SLICE_BYTES, 2 * needle.length);
  const cursor = new Cursor(tree, from);
  let position = from;
  /** The last bytes before `position` that may belong to an occurrence not looked for yet. */
  let held = 0;
  let scratch: Buffer | undefined;
  for (; cursor.slice !== undefined; cursor.next()) {
    const { slice } = cursor;
    const { bytes } = slice.lease;
    let at = slice.start + (position - cursor.start);
    if (slice.end - at >= large) {
      if (held > 0 && scratch !== undefined) {
        const completed = held + bytes.copy(scratch, held, at, at + overlap);
        const found = scratch.subarray(0, completed).indexOf(needle);
        if (found !== -1) return position - held + found;
      }
      const found = bytes.subarray(at, slice.end).indexOf(needle);
      if (found !== -1) return position + found;
      position += slice.end - at;
      if (position === tree?.length) return -1;
      // Before most borders there is no byte that the needle begins with.
      at = slice.end - overlap;
      while (at < slice.end && bytes[at] !== first) at += 1;
      held = 0;
    } else if (held === 0 && cursor.start + slice.length === tree?.length) {
      // The only slice left.
      const found = bytes.subarray(at, slice.end).indexOf(needle);
      return found === -1 ? -1 : position + found;
    } else {
      position += slice.end - at;
    }
    if (at === slice.end) continue;
    scratch ??= Buffer.allocUnsafe(Math.max(GATHERED_BYTES, 4 * needle.length) + overlap);
    const full = scratch.length - overlap;
    while (at < slice.end) {
      const copied = bytes.copy(scratch, held, at, Math.min(slice.end, at + full - held));
      at += copied;
      held += copied;
      if (held < full) continue;
      const found = scratch.subarray(0, held).indexOf(needle);
      if (found !== -1) return position - (slice.end - at) - held + found;
      scratch.copyWithin(0, held - overlap, held);
      held = overlap;
    }
  }
  if (held === 0 || scratch === undefined) return -1;
  const found = scratch.subarray(0, held).indexOf(needle);
  return found === -1 ? -1 : position - held + found;
}

/**
 * Position of the last occurrence of `needle`, which has at least one byte, that ends at `to` or before; -1
 * for none. Costs what {@link find} costs.
 */
export function findLast(tree: Tree | undefined, needle: Buffer, to: number): number {
  const overlap = needle.length - 1;
  const large = Math.max(LARGE_SLICE_BYTES, 2 * needle.length);
  const cursor = new Cursor(tree, to - 1);
  /** Bytes from here on were searched, apart from those held. */
  let position = to;
  /**
   * The first bytes from `position` on that may belong to an occurrence; at the end of the scratch buffer.
   */
  let held = 0;
  let scratch: Buffer | undefined;
  for (; cursor.slice !== undefined; cursor.previous()) {
    const { slice } = cursor;
    const { bytes } = slice.lease;
    let end = slice.start + (position - cursor.start);
    if (end - slice.start >= large) {
      if (held > 0 && scratch !== undefined) {
        const start = scratch.length - held - overlap;
        bytes.copy(scratch, start, end - overlap, end);
        const found = scratch.subarray(start).lastIndexOf(needle);
        if (found !== -1) return position - overlap + found;
      }
      const found = bytes.subarray(slice.start, end).lastIndexOf(needle);
      if (found !== -1) return cursor.start + found;
      end = slice.start + overlap;
      held = 0;
    }
    position = cursor.start;
    if (end === slice.start) continue;
    scratch ??= Buffer.allocUnsafe(Math.max(GATHERED_BYTES, 4 * needle.length) + overlap);
    const full = scratch.length - overlap;
    while (end > slice.start) {
      const copied = Math.min(end - slice.start, full - held);
      bytes.copy(scratch, scratch.length - held - copied, end - copied, end);
      end -= copied;
      held += copied;
      if (held < full) continue;
      const found = scratch.subarray(scratch.length - held).lastIndexOf(needle);
      if (found !== -1) return position + (end - slice.start) + found;
      scratch.copyWithin(scratch.length - overlap, scratch.length - held, scratch.length - held + overlap);
      held = overlap;
    }
  }
  if (held === 0 || scratch === undefined) return -1;
  const found = scratch.subarray(scratch.length - held).lastIndexOf(needle);
  return found === -1 ? -1 : position + found;
}

/**
 * A value that is looked for as one byte, if it is: a number, modulo 256 as in Buffer, or an ASCII character.
 * @throws ERR_IOLITE_RANGE, ERR_IOLITE_ARGUMENT for a number that is no integer
 */
export function soughtByte(value: unknown, encoding: BufferEncoding): number | undefined {
  if (typeof value === 'number') {
    checkInteger(value, 'value', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    return value & 255;
  }
  if (typeof value !== 'string' || value.length !== 1 || encoding !== 'utf8') return undefined;
  const code = value.charCodeAt(0);
  return code < 128 ? code : undefined;
}
