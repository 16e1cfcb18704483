import type { Lease } from '../../memory/lease.ts';
import { Slice } from '../slice.ts';
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
  const areWhole = leftFrom === 0 && rightFrom === 0 && left?.length === right?.length;
  if (areWhole && left !== undefined && left.length <= length && right instanceof Slice) {
    return compareWithin(left, right.lease, right.start);
  }
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
      const order = a.lease.bytes.compare(b.lease.bytes, bFrom, bFrom + run, aFrom, aFrom + run);
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

/** Compares a whole tree with as many bytes of one buffer: the common case, which needs no cursors. */
function compareWithin(tree: Tree, lease: Lease, at: number): -1 | 0 | 1 {
  if (tree instanceof Slice) {
    const { start, end } = tree;
    if (tree.lease === lease && start === at) return 0;
    const { bytes } = tree.lease;
    // Positions that need no check cost less.
    if (end - start === bytes.length) return bytes.compare(lease.bytes, at, at + end);
    return bytes.compare(lease.bytes, at, at + end - start, start, end);
  }
  const { children } = tree;
  let position = at;
  for (let i = tree.first; i < children.length; i++) {
    const child = children[i] as Tree;
    const order = compareWithin(child, lease, position);
    if (order !== 0) return order;
    position += child.length;
  }
  return 0;
}
