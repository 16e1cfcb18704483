import { Slice } from '../slice.ts';
import type { Tree } from './branch.ts';

/** So few bytes are copied one by one: a call costs more. */
const TINY_BYTES = 24;

/**
 * Copies the bytes from `start` to `end`, which lie inside, to `target` from `at` on.
 * O(log slices + slices and bytes copied).
 */
export function copyRange(
  tree: Tree | undefined,
  target: Uint8Array,
  at: number,
  start: number,
  end: number,
): void {
  if (tree === undefined || start >= end) return;
  if (tree instanceof Slice) {
    copySlice(tree, target, at, start, end - start);
    return;
  }
  const { children } = tree;
  let index = tree.childAt(start);
  let childStart = tree.startOf(index);
  let position = start;
  while (position < end) {
    const child = children[index] as Tree;
    const childEnd = childStart + child.length;
    const stop = Math.min(end, childEnd);
    copyRange(child, target, at + position - start, position - childStart, stop - childStart);
    position = stop;
    childStart = childEnd;
    index += 1;
  }
}

function copySlice(
  { lease, start }: Slice,
  target: Uint8Array,
  at: number,
  from: number,
  length: number,
): void {
  const { bytes } = lease;
  const first = start + from;
  if (length <= TINY_BYTES) for (let i = 0; i < length; i++) target[at + i] = bytes[first + i] as number;
  else if (length === bytes.length) target.set(bytes, at);
  else bytes.copy(target, at, first, first + length);
}

/** A new Buffer on the heap with a copy of the bytes from `start` to `end`. */
export function flatCopy(tree: Tree | undefined, start: number, end: number): Buffer {
  const flat = Buffer.allocUnsafe(end - start);
  copyRange(tree, flat, 0, start, end);
  return flat;
}
