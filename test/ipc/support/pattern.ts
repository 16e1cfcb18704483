import { createHash } from 'node:crypto';

/** Largest message, and by how much the pattern repeats it. */
const SIZE = 1024 ** 2;

/** Bytes in which no part of a message occurs twice: the same in every process. */
export function makePattern(): Buffer {
  const pattern = Buffer.allocUnsafe(2 * SIZE);
  let block = createHash('sha512').update('iolite').digest();
  for (let at = 0; at < pattern.length; at += block.length) {
    block = createHash('sha512').update(block).digest();
    block.copy(pattern, at);
  }
  return pattern;
}

/** The bytes of the nth message; neighbours differ. */
export function expectedAt(pattern: Buffer, nth: number, size: number): Buffer {
  const start = (nth * 4099) % SIZE;
  return pattern.subarray(start, start + size);
}
