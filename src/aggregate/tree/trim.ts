import { Slice } from '../slice.ts';
import { Branch, owned, release, retain, type Tree } from './branch.ts';

/** Takes the place of a dropped child, so that it can be collected. */
const GONE = new Slice(undefined as never, 0, 0);

/**
 * The tree without its first `count` bytes. Consumes it. O(log slices + slices dropped); moves no other
 * slice.
 */
export function trimFront(tree: Tree, count: number): Tree | undefined {
  if (count === 0) return tree;
  if (count >= tree.length) {
    release(tree);
    return undefined;
  }
  if (tree instanceof Slice) return trimmed(tree, count);
  let root: Tree = ownedToTrim(tree);
  drop(root, count);
  while (root instanceof Branch && root.first === root.children.length - 1) root = onlyChildOf(root);
  return root;
}

/** Consumes the slice. */
function trimmed({ lease, start, end }: Slice, count: number): Slice {
  lease.note(-count);
  return new Slice(lease, start + count, end);
}

/** Drops bytes of an owned branch, more than none and fewer than all. */
function drop(branch: Branch, count: number): void {
  const { children, ends } = branch;
  const at = branch.base + count;
  let index = branch.first;
  let start = branch.base;
  while ((ends[index] as number) <= at) {
    release(children[index] as Tree);
    children[index] = GONE;
    start = ends[index] as number;
    index += 1;
  }
  branch.first = index;
  branch.base = at;
  if (at === start) return;
  const child = children[index] as Tree;
  if (child instanceof Slice) {
    children[index] = trimmed(child, at - start);
    return;
  }
  const mine = ownedToTrim(child);
  children[index] = mine;
  drop(mine, at - start);
}

/** As owned(), but an owned branch stays unsettled. */
function ownedToTrim(branch: Branch): Branch {
  return branch.references === 1 ? branch : owned(branch);
}

/** Consumes the branch, for a reference to its child. */
function onlyChildOf(branch: Branch): Tree {
  const child = branch.children[branch.first] as Tree;
  branch.references -= 1;
  if (branch.references > 0) retain(child);
  return child;
}
