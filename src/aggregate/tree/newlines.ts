import type { Slice } from '../slice.ts';
import { factOf } from './facts.ts';

const NEWLINE = 0x0a;
/** The name of the fact. */
export const NEWLINES = 'newlines';
const COUNT_BYTES = 6;

/** How many newlines slices hold together. What is known of a slice costs nothing. O(bytes not known). */
export function newlinesOf(slices: readonly Slice[]): number {
  let sum = 0;
  for (const slice of slices)
    sum += factOf([slice], NEWLINES, () => countBytes(countNewlines(slice.memory))).readUIntBE(
      0,
      COUNT_BYTES,
    );
  return sum;
}

/** O(bytes). */
export function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** The count as a fact. */
export function countBytes(count: number): Buffer {
  const fact = Buffer.allocUnsafe(COUNT_BYTES);
  fact.writeUIntBE(count, 0, COUNT_BYTES);
  return fact;
}
