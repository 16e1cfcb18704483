import type { Tree } from './branch.ts';
import { Cursor } from './cursor.ts';

/** So few bytes are copied one by one: a call costs more. */
const TINY = 24;

/** Copies the bytes from `start` to `end` to `target` from `at` on. O(log slices + slices and bytes copied). */
export function copyRange(
  tree: Tree | undefined,
  target: Uint8Array,
  at: number,
  start: number,
  end: number,
): void {
  const cursor = new Cursor(tree, start);
  let position = start;
  while (position < end && cursor.slice !== undefined) {
    const { slice } = cursor;
    const { bytes } = slice.lease;
    const from = slice.start + (position - cursor.start);
    const length = Math.min(slice.end - from, end - position);
    const to = at + (position - start);
    if (length <= TINY) for (let i = 0; i < length; i++) target[to + i] = bytes[from + i] as number;
    else if (length === bytes.length) target.set(bytes, to);
    else bytes.copy(target, to, from, from + length);
    position += length;
    cursor.next();
  }
}

/** A new Buffer on the heap with a copy of the bytes from `start` to `end`. */
export function flatCopy(tree: Tree | undefined, start: number, end: number): Buffer {
  const flat = Buffer.allocUnsafe(end - start);
  copyRange(tree, flat, 0, start, end);
  return flat;
}
