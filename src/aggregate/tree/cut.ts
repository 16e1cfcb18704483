import { Slice } from '../slice.ts';
import {
  Branch,
  endsOf,
  MAX_CHILDREN,
  MIN_CHILDREN,
  owned,
  release,
  retain,
  settle,
  type Tree,
} from './branch.ts';
import { join, joinApart, lowered, rootOf, touches } from './tree.ts';

/** The bytes before `at`, and those from it on. Consumes the tree. O(log slices). */
export function split(tree: Tree, at: number): [Tree | undefined, Tree | undefined] {
  if (at <= 0) return [undefined, tree];
  if (at >= tree.length) return [tree, undefined];
  if (tree instanceof Slice) {
    const { lease, start, end } = tree;
    lease.retain();
    return [new Slice(lease, start, start + at), new Slice(lease, start + at, end)];
  }
  const { children } = settle(tree);
  if (tree.references > 1) {
    for (const child of children) retain(child);
    tree.references -= 1;
  }
  const index = tree.childAt(at);
  const [left, right] = split(children[index] as Tree, at - tree.startOf(index));
  const leftTree = joinParts(rootOf(children.slice(0, index)), left);
  return [leftTree, joinParts(right, rootOf(children.slice(index + 1)))];
}

/**
 * The part from `from` to `to` as a tree of its own, `from < to`. Leaves the tree as it is. O(log slices).
 */
export function part(tree: Tree, from: number, to: number): Tree {
  if (from <= 0 && to >= tree.length) {
    retain(tree);
    return tree;
  }
  if (tree instanceof Slice) {
    const { lease, start, end } = tree;
    const slice = new Slice(lease, start + Math.max(0, from), Math.min(end, start + to));
    lease.hold(slice.length);
    return slice;
  }
  const first = tree.childAt(Math.max(0, from));
  const last = tree.childAt(Math.min(to, tree.length) - 1);
  const { children } = tree;
  const left = part(children[first] as Tree, from - tree.startOf(first), to - tree.startOf(first));
  if (first === last) return left;
  const right = part(children[last] as Tree, 0, to - tree.startOf(last));
  const between = children.slice(first + 1, last);
  for (let i = 0; i < between.length; i++) retain(between[i] as Tree);
  if (tree.height === 1) return new Branch(1, [left, ...between, right]);
  return joinParts(joinParts(left, rootOf(between)), right) as Tree;
}

/** Joins parts of one tree: their slices were apart before. */
function joinParts(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
  if (left !== undefined && right !== undefined) return joinApart(left, right);
  const only = left ?? right;
  return only && lowered(only);
}

/** What {@link replace} makes. */
export interface Replacement {
  readonly tree: Tree | undefined;
  /** What was there before. */
  readonly removed: Tree | undefined;
}

/** Puts `added` in the place of `count` bytes from `start` on. Consumes both trees. O(log slices). */
export function replace(
  tree: Tree | undefined,
  start: number,
  count: number,
  added: Tree | undefined,
): Replacement {
  if (count === 0 && added === undefined) return { tree, removed: undefined };
  if (tree instanceof Branch && start > 0 && start + count < tree.length) {
    const root = owned(tree);
    const removed = replaceInside(root, start, start + count, added);
    if (removed !== undefined) return { tree: root, removed: removed[0] };
    return replaceAcross(root, start, count, added);
  }
  return replaceAcross(tree, start, count, added);
}

/** As {@link replace}, wherever the range lies. */
export function replaceAcross(
  tree: Tree | undefined,
  start: number,
  count: number,
  added: Tree | undefined,
): Replacement {
  const [before, rest] = tree === undefined ? [undefined, undefined] : split(tree, start);
  const [removed, after] = rest === undefined ? [undefined, undefined] : split(rest, count);
  return { tree: join(join(before, added), after), removed };
}

/**
 * Replaces a range that lies inside one branch of slices, reaches neither of its ends, and leaves it with as
 * many slices as it may have: only the branches on the path to it change, in place.
 * @param branch owned
 * @returns nothing when it could not; else a list with what was removed, if anything was
 */
function replaceInside(
  branch: Branch,
  from: number,
  to: number,
  added: Tree | undefined,
): [Tree | undefined] | undefined {
  const { children, ends } = branch;
  const index = branch.childAt(from);
  if (branch.height === 1) return replaceSlices(branch, index, from, to, added);
  if (to >= (ends[index] as number)) return undefined;
  const start = branch.startOf(index);
  const child = owned(children[index] as Branch);
  children[index] = child;
  const removed = replaceInside(child, from - start, to - start, added);
  if (removed === undefined) return undefined;
  const change = child.length - ((ends[index] as number) - start);
  if (change !== 0) for (let i = index; i < ends.length; i++) ends[i] = (ends[i] as number) + change;
  return removed;
}

function replaceSlices(
  branch: Branch,
  first: number,
  from: number,
  to: number,
  added: Tree | undefined,
): [Tree | undefined] | undefined {
  const { children } = branch;
  const last = to === from ? first : branch.childAt(to - 1);
  if (added instanceof Branch || from === 0 || to >= branch.length) return undefined;
  const head = from - branch.startOf(first);
  const tail = to - branch.startOf(last);
  const before = children[first] as Slice;
  const after = children[last] as Slice;
  const placed: Slice[] = [];
  if (head > 0) placed.push(new Slice(before.lease, before.start, before.start + head));
  if (added !== undefined) placed.push(added);
  if (tail < after.length) placed.push(new Slice(after.lease, after.start + tail, after.end));
  const size = children.length - (last - first + 1) + placed.length;
  if (size > MAX_CHILDREN || size < MIN_CHILDREN) return undefined;
  if (
    anyTouch([children[first - 1] as Slice | undefined, ...placed, children[last + 1] as Slice | undefined])
  )
    return undefined;
  const removed = from === to ? undefined : part(branch, from, to);
  if (head > 0) before.lease.hold(head);
  if (tail < after.length) after.lease.hold(after.length - tail);
  for (const child of children.splice(first, last - first + 1, ...placed)) release(child);
  branch.ends = endsOf(children);
  return [removed];
}

/** Whether slices one behind the other would have to be merged. */
function anyTouch(slices: readonly (Slice | undefined)[]): boolean {
  return slices.some((slice, i) => {
    const next = slices[i + 1];
    return slice !== undefined && next !== undefined && touches(slice, next);
  });
}
