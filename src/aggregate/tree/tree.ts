import { Slice } from '../slice.ts';
import {
  Branch,
  endsOf,
  firstSlice,
  heightOf,
  lastSlice,
  MAX_CHILDREN,
  MIN_CHILDREN,
  owned,
  release,
  retain,
  settle,
  type Tree,
} from './branch.ts';
import { trimFront } from './trim.ts';

/** So many entries, those of dropped children included, and a branch is settled before it takes more. */
const MOST_ENTRIES = 2 * MAX_CHILDREN;

/** A root for siblings of one height: the only one, or a branch over them. */
export function rootOf(children: Tree[]): Tree | undefined {
  const [first] = children;
  if (first === undefined) return undefined;
  return children.length === 1 ? lowered(first) : new Branch(heightOf(first) + 1, children);
}

/** A tree without branches at its top that have one child only: inside of a tree there may be some. */
export function lowered(tree: Tree): Tree {
  let root = tree;
  while (root instanceof Branch && root.children.length - root.first === 1) {
    const child = root.children[root.first] as Tree;
    retain(child);
    release(root);
    root = child;
  }
  return root;
}

/** Whether `next` goes on where `slice` ends, so that both are one slice. */
export function touches(slice: Slice, next: Slice): boolean {
  return slice.lease === next.lease && slice.end === next.start;
}

/** Both as one slice. Consumes both. */
function merged(slice: Slice, next: Slice): Slice {
  slice.lease.release();
  return new Slice(slice.lease, slice.start, next.end);
}

/** One tree after the other. Consumes both. O(log slices). */
export function join(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (right instanceof Slice) return append(left, right);
  const first = firstSlice(right);
  if (!touches(lastSlice(left), first)) return joinApart(left, right);
  first.lease.hold(first.length);
  const rest = trimFront(right, first.length);
  const extended = append(left, first);
  return rest === undefined ? extended : joinApart(extended, rest);
}

/** Joins trees whose slices do not merge. Consumes both. O(difference of their heights). */
export function joinApart(left: Tree, right: Tree): Tree {
  const leftHeight = heightOf(left);
  const rightHeight = heightOf(right);
  if (leftHeight === rightHeight) return joinEven(left, right);
  if (leftHeight > rightHeight) {
    const branch = owned(left as Branch);
    const last = branch.children.pop() as Tree;
    const joined = joinApart(last, right);
    return withChildren(branch, [...branch.children, ...siblings(joined, branch.height)]);
  }
  const branch = owned(right as Branch);
  const first = branch.children.shift() as Tree;
  const joined = joinApart(left, first);
  return withChildren(branch, [...siblings(joined, branch.height), ...branch.children]);
}

/** What was joined, as children of a branch of this height. Consumes `joined`. */
function siblings(joined: Tree, height: number): Tree[] {
  return heightOf(joined) === height ? (joined as Branch).children : [joined];
}

/** Gives an owned branch other children; splits it when they are too many. */
function withChildren(branch: Branch, children: Tree[]): Branch {
  if (children.length <= MAX_CHILDREN) {
    branch.children = children;
    branch.ends = endsOf(children);
    return branch;
  }
  const { height } = branch;
  const middle = children.length >>> 1;
  const left = new Branch(height, children.slice(0, middle));
  return new Branch(height + 1, [left, new Branch(height, children.slice(middle))]);
}

/** Joins trees of one height. Consumes both. */
function joinEven(left: Tree, right: Tree): Branch {
  if (left instanceof Slice || right instanceof Slice) return new Branch(1, [left, right]);
  const areFull = childCount(left) >= MIN_CHILDREN && childCount(right) >= MIN_CHILDREN;
  if (areFull) return new Branch(left.height + 1, [left, right]);
  const one = owned(left);
  return withChildren(one, [...one.children, ...owned(right).children]);
}

function childCount({ children, first }: Branch): number {
  return children.length - first;
}

/** A tree with one more slice, merged with its last where they touch. Consumes both. O(log slices). */
export function append(tree: Tree | undefined, slice: Slice): Tree {
  if (tree === undefined) return slice;
  if (tree instanceof Slice) return touches(tree, slice) ? merged(tree, slice) : new Branch(1, [tree, slice]);
  const root = ownedToAppend(tree);
  const overflow = appendTo(root, slice);
  return overflow === undefined ? root : new Branch(root.height + 1, [root, overflow]);
}

/** As owned(), but an owned branch stays as it is: to append moves nothing of it. */
function ownedToAppend(branch: Branch): Branch {
  return branch.references === 1 ? branch : owned(branch);
}

/** Appends to an owned branch. @returns a sibling to be put behind it, when it had no room */
function appendTo(branch: Branch, slice: Slice): Branch | undefined {
  const { children, ends } = branch;
  const lastAt = children.length - 1;
  const last = children[lastAt] as Tree;
  if (last instanceof Slice) {
    if (!touches(last, slice)) return addChild(branch, slice);
    ends[lastAt] = (ends[lastAt] as number) + slice.length;
    children[lastAt] = merged(last, slice);
    return undefined;
  }
  const child = ownedToAppend(last);
  children[lastAt] = child;
  const overflow = appendTo(child, slice);
  ends[lastAt] = branch.base + branch.startOf(lastAt) + child.length;
  return overflow === undefined ? undefined : addChild(branch, overflow);
}

/** Adds a child to an owned branch. @returns a sibling to be put behind it, when it was full */
function addChild(branch: Branch, child: Tree): Branch | undefined {
  const { children, ends, first } = branch;
  if (children.length - first >= MAX_CHILDREN) return new Branch(branch.height, [child]);
  if (children.length >= MOST_ENTRIES) settle(branch);
  ends.push((ends[ends.length - 1] as number) + child.length);
  children.push(child);
  return undefined;
}

/** A tree of slices in order. Consumes their references. O(slices). */
export function treeOf(slices: readonly Slice[]): Tree | undefined {
  let level: Tree[] = [];
  for (const slice of slices) {
    if (slice.end === slice.start) {
      slice.lease.release();
      continue;
    }
    const last = level[level.length - 1] as Slice | undefined;
    if (last !== undefined && touches(last, slice)) level[level.length - 1] = merged(last, slice);
    else level.push(slice);
  }
  for (let height = 1; level.length > 1; height++) {
    const parents: Tree[] = [];
    const groups = Math.ceil(level.length / MAX_CHILDREN);
    for (let group = 0; group < groups; group++) {
      const from = Math.floor((group * level.length) / groups);
      const to = Math.floor(((group + 1) * level.length) / groups);
      parents.push(new Branch(height, level.slice(from, to)));
    }
    level = parents;
  }
  return level[0];
}
