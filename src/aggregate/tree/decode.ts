import { isAscii } from 'node:buffer';
import { BoundsError } from '../../base/error.ts';
import { Slice } from '../slice.ts';
import type { Tree } from './branch.ts';
import { copyRange } from './copy.ts';

/**
 * What lies over borders is gathered and decoded in pieces of at most so many bytes. One piece is best: a
 * string put together of several is copied once more when it is used.
 */
const PIECE_BYTES = 32 * 1024 ** 2;
/** Gathering fewer bytes makes no new buffer. */
const SMALL_BYTES = 16 * 1024;
const small = Buffer.allocUnsafeSlow(SMALL_BYTES);
/** The last larger one, kept for a while: to touch fresh pages costs more than to decode what is in them. */
let large: Buffer | undefined;
let isLent = false;
const KEEP_MS = 1000;
/** From this size on, it pays to look whether text is ASCII: that is decoded ten times as fast. */
export const LARGE_TEXT_BYTES = 4096;

/**
 * Decodes the bytes from `start` to `end`, over borders of slices, without flattening: the same string as
 * Buffer.toString of the flat bytes. O(bytes + slices); gathers at most 32 MiB at a time.
 * @throws ERR_IOLITE_RANGE when the string would be longer than JavaScript allows
 */
export function decode(tree: Tree | undefined, encoding: BufferEncoding, start: number, end: number): string {
  const size = end - start;
  if (tree === undefined || size <= 0) return '';
  try {
    if (tree instanceof Slice)
      return decodeBytes(tree.lease.bytes, encoding, tree.start + start, tree.start + end);
    if (size > PIECE_BYTES) return decodePieces(tree, encoding, start, end);
    const piece = roomOf(size);
    copyRange(tree, piece, 0, start, end);
    return decodeBytes(piece, encoding, 0, size);
  } catch (cause) {
    throw new BoundsError(`Cannot decode ${size} bytes as ${encoding}: ${(cause as Error).message}`);
  }
}

function decodePieces(tree: Tree, encoding: BufferEncoding, start: number, end: number): string {
  const loose = looseEndOf(encoding);
  const piece = roomOf(PIECE_BYTES);
  let text = '';
  /**
   * Bytes at the start of `piece` that the last one ended with: a character, or group, that is not complete.
   */
  let pending = 0;
  for (let position = start; position < end; ) {
    const count = Math.min(PIECE_BYTES - pending, end - position);
    copyRange(tree, piece, pending, position, position + count);
    position += count;
    const filled = pending + count;
    pending = position === end ? 0 : loose(piece, 0, filled);
    text += decodeBytes(piece, encoding, 0, filled - pending);
    piece.copyWithin(0, filled - pending, filled);
  }
  return text;
}

function roomOf(size: number): Buffer {
  if (size <= SMALL_BYTES) return small;
  if (large === undefined || large.length < size) large = Buffer.allocUnsafeSlow(size);
  if (!isLent) {
    isLent = true;
    setTimeout(() => {
      isLent = false;
      large = undefined;
    }, KEEP_MS).unref();
  }
  return large;
}

function decodeBytes(bytes: Buffer, encoding: BufferEncoding, from: number, to: number): string {
  const isPlain = encoding === 'utf8' && to - from >= LARGE_TEXT_BYTES && isAscii(bytes.subarray(from, to));
  return bytes.toString(isPlain ? 'latin1' : encoding, from, to);
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
