import type { Tree } from './branch.ts';
import { Cursor } from './cursor.ts';

/**
 * Compares two trees byte by byte without flattening, from given positions, over at most `length` bytes.
 * O(log slices + bytes and slices up to the first difference).
 * @returns 0 when equal, -1 when the left sorts first, 1 otherwise; a tree that ends earlier sorts first
 */
export function compareRange(
  left: Tree | undefined,
  leftFrom: number,
  right: Tree | undefined,
  rightFrom: number,
  length: number,
): -1 | 0 | 1 {
  if (left === right && leftFrom === rightFrom) return 0;
  const one = new Cursor(left, leftFrom);
  const two = new Cursor(right, rightFrom);
  let done = 0;
  while (done < length && one.slice !== undefined && two.slice !== undefined) {
    const { slice: a } = one;
    const { slice: b } = two;
    const aFrom = a.start + (leftFrom + done - one.start);
    const bFrom = b.start + (rightFrom + done - two.start);
    const run = Math.min(a.end - aFrom, b.end - bFrom, length - done);
    // The same bytes of the same buffer need no look.
    if (a.lease !== b.lease || aFrom !== bFrom) {
      const { bytes } = a.lease;
      // Positions that need no check cost less.
      const order =
        run === bytes.length
          ? bytes.compare(b.lease.bytes, bFrom, bFrom + run)
          : bytes.compare(b.lease.bytes, bFrom, bFrom + run, aFrom, aFrom + run);
      if (order !== 0) return order;
    }
    done += run;
    if (aFrom + run === a.end) one.next();
    if (bFrom + run === b.end) two.next();
  }
  if (done >= length) return 0;
  if (one.slice !== undefined) return 1;
  return two.slice === undefined ? 0 : -1;
}
