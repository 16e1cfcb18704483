import { Slice } from './slice.ts';

/**
 * The ordered list of slices behind an aggregate: a balanced tree with cached lengths.
 *
 *     nothing     undefined
 *     one slice   the Slice itself
 *     more        a Branch; those of height 1 hold slices, those above hold branches one lower
 *
 * Trees are shared between aggregates by counting references: of a branch in `references`, of a slice in its
 * lease. Functions that say they consume a tree take over the caller's reference to it. A branch is changed
 * in place only while it has a single owner, and copied before otherwise.
 *
 * Every branch but the root has MIN to MAX children, so any path costs O(log slices).
 */
export type Tree = Slice | Branch;

const MAX = 32;
const MIN = MAX / 2;

export class Branch {
  references = 1;
  readonly height: number;
  children: Tree[];
  /** Where each child ends, in bytes from the branch's start. */
  ends: number[];

  constructor(height: number, children: Tree[], ends: number[] = endsOf(children)) {
    this.height = height;
    this.children = children;
    this.ends = ends;
  }

  get length(): number {
    return this.ends[this.ends.length - 1] as number;
  }
}

function endsOf(children: readonly Tree[]): number[] {
  const ends = new Array<number>(children.length);
  let end = 0;
  for (let i = 0; i < children.length; i++) {
    end += (children[i] as Tree).length;
    ends[i] = end;
  }
  return ends;
}

function heightOf(tree: Tree): number {
  return tree instanceof Slice ? 0 : tree.height;
}

/** The first child whose end lies behind `position`. */
export function childAt(ends: readonly number[], position: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Adds a reference. O(1). */
export function retain(tree: Tree): void {
  if (tree instanceof Slice) tree.lease.retain();
  else tree.references += 1;
}

/** Takes a reference back; the last one releases what the tree holds. O(1), or O(slices) for the last. */
export function release(tree: Tree): void {
  if (tree instanceof Slice) {
    tree.lease.release();
    return;
  }
  tree.references -= 1;
  if (tree.references > 0) return;
  for (const child of tree.children) release(child);
}

/** A tree that only the caller holds. Consumes `branch`. */
function owned(branch: Branch): Branch {
  if (branch.references === 1) return branch;
  const copy = new Branch(branch.height, branch.children.slice(), branch.ends.slice());
  for (const child of copy.children) retain(child);
  branch.references -= 1;
  return copy;
}

/** A root for siblings of one height: the only one, or a branch over them. */
function rootOf(children: Tree[]): Tree | undefined {
  const [first] = children;
  if (first === undefined || children.length === 1) return first;
  return new Branch(heightOf(first) + 1, children);
}

/** Whether `next` goes on where `slice` ends, so that both are one slice. */
function touches(slice: Slice, next: Slice): boolean {
  return slice.lease === next.lease && slice.end === next.start;
}

/** Both as one slice. Consumes both. */
function merged(slice: Slice, next: Slice): Slice {
  slice.lease.release();
  return new Slice(slice.lease, slice.start, next.end);
}

export function firstSlice(tree: Tree): Slice {
  let node = tree;
  while (!(node instanceof Slice)) node = node.children[0] as Tree;
  return node;
}

export function lastSlice(tree: Tree): Slice {
  let node = tree;
  while (!(node instanceof Slice)) node = node.children[node.children.length - 1] as Tree;
  return node;
}

/** Calls `visit` with each slice in order. */
export function forEachSlice(tree: Tree | undefined, visit: (slice: Slice) => void): void {
  if (tree === undefined) return;
  if (tree instanceof Slice) visit(tree);
  else for (const child of tree.children) forEachSlice(child, visit);
}

/** One tree after the other. Consumes both. O(log slices). */
export function join(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (right instanceof Slice) return append(left, right);
  const first = firstSlice(right);
  if (!touches(lastSlice(left), first)) return joinApart(left, right);
  const [head, rest] = split(right, first.length);
  const extended = append(left, head as Slice);
  return rest === undefined ? extended : joinApart(extended, rest);
}

/** Joins trees whose slices do not merge. Consumes both. */
function joinApart(left: Tree, right: Tree): Tree {
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
  if (children.length <= MAX) {
    branch.children = children;
    branch.ends = endsOf(children);
    return branch;
  }
  return halved(branch.height, children);
}

function halved(height: number, children: Tree[]): Branch {
  const middle = children.length >>> 1;
  const left = new Branch(height, children.slice(0, middle));
  return new Branch(height + 1, [left, new Branch(height, children.slice(middle))]);
}

/** Joins trees of one height. Consumes both. */
function joinEven(left: Tree, right: Tree): Branch {
  if (left instanceof Slice || right instanceof Slice) return new Branch(1, [left, right]);
  const { height } = left;
  if (left.children.length >= MIN && right.children.length >= MIN)
    return new Branch(height + 1, [left, right]);
  const one = owned(left);
  const children = [...one.children, ...owned(right).children];
  return withChildren(one, children);
}

/** A tree with one more slice, merged with its last where they touch. Consumes both. O(log slices). */
export function append(tree: Tree | undefined, slice: Slice): Tree {
  if (tree === undefined) return slice;
  if (tree instanceof Slice) return touches(tree, slice) ? merged(tree, slice) : new Branch(1, [tree, slice]);
  const root = owned(tree);
  const overflow = appendTo(root, slice);
  return overflow === undefined ? root : new Branch(root.height + 1, [root, overflow]);
}

/** Appends to an owned branch. @returns a sibling to be put behind it, when it had no room */
function appendTo(branch: Branch, slice: Slice): Branch | undefined {
  const { children, ends } = branch;
  const lastAt = children.length - 1;
  const last = children[lastAt] as Tree;
  const end = ends[lastAt] as number;
  if (last instanceof Slice) {
    if (touches(last, slice)) {
      ends[lastAt] = end + slice.length;
      children[lastAt] = merged(last, slice);
      return undefined;
    }
    return addChild(branch, slice);
  }
  const child = owned(last);
  children[lastAt] = child;
  const overflow = appendTo(child, slice);
  ends[lastAt] = (lastAt === 0 ? 0 : (ends[lastAt - 1] as number)) + child.length;
  return overflow === undefined ? undefined : addChild(branch, overflow);
}

/** Adds a child to an owned branch. @returns a sibling to be put behind it, when it was full */
function addChild(branch: Branch, child: Tree): Branch | undefined {
  const { children, ends } = branch;
  if (children.length < MAX) {
    ends.push(branch.length + child.length);
    children.push(child);
    return undefined;
  }
  const moved = [...children.slice(MAX - MIN + 1), child];
  branch.children = children.slice(0, MAX - MIN + 1);
  branch.ends = ends.slice(0, MAX - MIN + 1);
  return new Branch(branch.height, moved);
}

/** The bytes before `at`, and those from it on. Consumes the tree. O(log slices). */
export function split(tree: Tree, at: number): [Tree | undefined, Tree | undefined] {
  if (at <= 0) return [undefined, tree];
  if (at >= tree.length) return [tree, undefined];
  if (tree instanceof Slice) {
    const { lease, start, end } = tree;
    lease.retain();
    return [new Slice(lease, start, start + at), new Slice(lease, start + at, end)];
  }
  const { children, ends } = tree;
  if (tree.references > 1) {
    for (const child of children) retain(child);
    tree.references -= 1;
  }
  const index = childAt(ends, at);
  const before = index === 0 ? 0 : (ends[index - 1] as number);
  const [left, right] = split(children[index] as Tree, at - before);
  const leftTree = joinOptional(rootOf(children.slice(0, index)), left);
  return [leftTree, joinOptional(right, rootOf(children.slice(index + 1)))];
}

/** The part from `from` to `to` as a tree of its own, `from < to`. Leaves the tree as it is. O(log slices). */
export function part(tree: Tree, from: number, to: number): Tree {
  if (from <= 0 && to >= tree.length) {
    retain(tree);
    return tree;
  }
  if (tree instanceof Slice) {
    const { lease, start, end } = tree;
    lease.retain();
    return new Slice(lease, start + Math.max(0, from), Math.min(end, start + to));
  }
  const { children, ends } = tree;
  const first = childAt(ends, Math.max(0, from));
  const last = childAt(ends, to - 1);
  const before = (index: number): number => (index === 0 ? 0 : (ends[index - 1] as number));
  const left = part(children[first] as Tree, from - before(first), to - before(first));
  if (first === last) return left;
  const between = children.slice(first + 1, last);
  for (const child of between) retain(child);
  const right = part(children[last] as Tree, 0, to - before(last));
  return joinOptional(joinOptional(left, rootOf(between)), right) as Tree;
}

/** Joins parts of one tree: their slices were apart before. */
function joinOptional(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return joinApart(left, right);
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
    const groups = Math.ceil(level.length / MAX);
    for (let group = 0; group < groups; group++) {
      const from = Math.floor((group * level.length) / groups);
      const to = Math.floor(((group + 1) * level.length) / groups);
      parents.push(new Branch(height, level.slice(from, to)));
    }
    level = parents;
  }
  return level[0];
}
