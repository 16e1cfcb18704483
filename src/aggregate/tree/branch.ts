import { invariant } from '../../base/invariant.ts';
import { Slice } from '../slice.ts';

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
 */
export type Tree = Slice | Branch;

/**
 * Every branch has at most so many children, and at least half as many unless it is the root or holds the
 * tree's first byte: so any path costs O(log slices). Tuned by `npm run bench -- aggregate`.
 */
export const MAX_CHILDREN = 32;
export const MIN_CHILDREN = MAX_CHILDREN / 2;

/**
 * A node of the tree. Dropping bytes from the front moves `first` and `base`, and no entry:
 *
 *     children   [ gone | gone | first | ... | last ]
 *     ends       where each ends, counted from a point `base` bytes before the branch's first byte
 */
export class Branch {
  references = 1;
  readonly height: number;
  children: Tree[];
  ends: number[];
  first = 0;
  base = 0;

  constructor(height: number, children: Tree[], ends: number[] = endsOf(children)) {
    this.height = height;
    this.children = children;
    this.ends = ends;
  }

  /** In bytes. */
  get length(): number {
    return (this.ends[this.ends.length - 1] as number) - this.base;
  }

  /** Index of the child that holds the byte at a position. O(log children). */
  childAt(position: number): number {
    const { ends } = this;
    const at = position + this.base;
    let low = this.first;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] as number) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Position of a child's first byte. */
  startOf(index: number): number {
    return index === this.first ? 0 : (this.ends[index - 1] as number) - this.base;
  }
}

/** Where each of these ends, one behind the other. */
export function endsOf(children: readonly Tree[]): number[] {
  const ends: number[] = [];
  let end = 0;
  for (let i = 0; i < children.length; i++) {
    end += (children[i] as Tree).length;
    ends.push(end);
  }
  return ends;
}

export function heightOf(tree: Tree): number {
  return tree instanceof Slice ? 0 : tree.height;
}

/** Adds a reference. O(1). */
export function retain(tree: Tree): void {
  if (tree instanceof Slice) tree.lease.hold(tree.length);
  else tree.references += 1;
}

/** Takes a reference back; the last one releases what the tree holds. O(1), or O(slices) for the last. */
export function release(tree: Tree): void {
  if (tree instanceof Slice) {
    tree.lease.drop(tree.length);
    return;
  }
  tree.references -= 1;
  if (tree.references > 0) return;
  invariant(tree.references === 0, 'a branch is released no more often than it was retained');
  const { children } = tree;
  for (let i = tree.first; i < children.length; i++) release(children[i] as Tree);
}

/** Moves what is left of a branch to the start of its arrays. Others that share it see no difference. */
export function settle(branch: Branch): Branch {
  const { first, base, ends, children } = branch;
  if (base === 0) return branch;
  const count = ends.length - first;
  for (let i = 0; i < count; i++) {
    children[i] = children[first + i] as Tree;
    ends[i] = (ends[first + i] as number) - base;
  }
  children.length = count;
  ends.length = count;
  branch.first = 0;
  branch.base = 0;
  return branch;
}

/** A branch, settled, that only the caller holds: itself, or a copy if others hold it. Consumes `branch`. */
export function owned(branch: Branch): Branch {
  settle(branch);
  if (branch.references === 1) return branch;
  const copy = new Branch(branch.height, branch.children.slice(), branch.ends.slice());
  for (const child of copy.children) retain(child);
  branch.references -= 1;
  return copy;
}

export function firstSlice(tree: Tree): Slice {
  let node = tree;
  while (!(node instanceof Slice)) node = node.children[node.first] as Tree;
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
  else for (let i = tree.first; i < tree.children.length; i++) forEachSlice(tree.children[i] as Tree, visit);
}
