import { BoundsError } from '../os/error.ts';
import { Cursor } from './cursor.ts';
import type { Tree } from './tree.ts';

/** Slices of fewer bytes are gathered before they are decoded, up to the scratch buffer's size. */
const SMALL = 1024;
const SCRATCH_BYTES = 8 * 1024;
/** Bytes of the next slice that are enough to complete any character, or group of base64. */
const COMPLETION = 16;

/**
 * Decodes the bytes from `start` to `end`, over borders of slices, without flattening: the same string as
 * Buffer.toString of the flat bytes. O(bytes + slices); holds 8 KiB of scratch where slices are small.
 * @throws ERR_IOLITE_RANGE when the string would be longer than JavaScript allows
 */
export function decode(tree: Tree | undefined, encoding: BufferEncoding, start: number, end: number): string {
  const cursor = new Cursor(tree, start);
  const first = cursor.slice;
  if (first === undefined || start === end) return '';
  try {
    const from = first.start + (start - cursor.start);
    if (end <= cursor.start + first.length)
      return first.lease.bytes.toString(encoding, from, from + end - start);
    return decodePieces(cursor, encoding, start, end);
  } catch (cause) {
    throw new BoundsError(`Cannot decode ${end - start} bytes as ${encoding}: ${(cause as Error).message}`);
  }
}

function decodePieces(cursor: Cursor, encoding: BufferEncoding, start: number, end: number): string {
  const loose = looseEndOf(encoding);
  const scratch = Buffer.allocUnsafe(Math.min(SCRATCH_BYTES, end - start));
  let text = '';
  let pending = 0;
  let position = start;
  while (position < end && cursor.slice !== undefined) {
    const { slice } = cursor;
    const { bytes } = slice.lease;
    const sliceEnd = slice.start + Math.min(slice.length, end - cursor.start);
    let at = slice.start + (position - cursor.start);
    position += sliceEnd - at;
    while (at < sliceEnd) {
      const isLarge = sliceEnd - at >= SMALL;
      if (isLarge && pending === 0) {
        const safe = sliceEnd - loose(bytes, at, sliceEnd);
        text += bytes.toString(encoding, at, safe);
        pending = bytes.copy(scratch, 0, safe, sliceEnd);
        break;
      }
      const room = Math.min(scratch.length - pending, isLarge ? COMPLETION : SCRATCH_BYTES);
      const gathered = bytes.copy(scratch, pending, at, Math.min(sliceEnd, at + room));
      at += gathered;
      pending += gathered;
      if (!isLarge && pending < scratch.length) continue;
      const left = loose(scratch, 0, pending);
      text += scratch.toString(encoding, 0, pending - left);
      if (isLarge && gathered >= left) {
        // What is left came from this slice, which goes on without the scratch.
        at -= left;
        pending = 0;
      } else {
        scratch.copyWithin(0, pending - left, pending);
        pending = left;
      }
    }
    cursor.next();
  }
  return text + scratch.toString(encoding, 0, pending);
}

/** How many of the last bytes of a range belong to a character, or group, that may not be complete. */
type LooseEnd = (bytes: Buffer, start: number, end: number) => number;

function looseEndOf(encoding: BufferEncoding): LooseEnd {
  switch (encoding.toLowerCase()) {
    case 'utf8':
    case 'utf-8':
      return looseUtf8;
    case 'ucs2':
    case 'ucs-2':
    case 'utf16le':
    case 'utf-16le':
      return (_, start, end) => (end - start) % 2;
    case 'base64':
    case 'base64url':
      return (_, start, end) => (end - start) % 3;
    default:
      return () => 0;
  }
}

/**
 * A decoder starts anew at every byte that continues no character, so that before such a byte is a safe place
 * to cut; and after three that do, because no character has more.
 */
function looseUtf8(bytes: Buffer, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
