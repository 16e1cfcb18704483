import { Slice } from '../slice.ts';
import type { Branch, Tree } from './branch.ts';

/** Walks the slices of a tree, forwards or backwards, from any position. Holds no references. */
export class Cursor {
  /** The slice at the cursor, undefined past either end. */
  slice: Slice | undefined;
  /** Position of the slice's first byte in the tree. */
  start = 0;
  /** The way from the root: branches, and which child was taken of each. */
  readonly #branches: Branch[] = [];
  readonly #indexes: number[] = [];

  /** Places the cursor on the slice that holds byte `position`. O(log slices). */
  constructor(tree: Tree | undefined, position = 0) {
    if (tree === undefined || position >= tree.length || position < 0) return;
    let node = tree;
    let within = position;
    while (!(node instanceof Slice)) {
      const index = node.childAt(within);
      this.#branches.push(node);
      this.#indexes.push(index);
      within -= node.startOf(index);
      node = node.children[index] as Tree;
    }
    this.slice = node;
    this.start = position - within;
  }

  /** Moves to the next slice. Amortised O(1). */
  next(): Slice | undefined {
    if (this.slice === undefined) return undefined;
    this.start += this.slice.length;
    return this.#move(1);
  }

  /** Moves to the slice before. Amortised O(1). */
  previous(): Slice | undefined {
    if (this.slice === undefined) return undefined;
    if (this.#move(-1) !== undefined) this.start -= this.slice.length;
    return this.slice;
  }

  #move(step: 1 | -1): Slice | undefined {
    const branches = this.#branches;
    const indexes = this.#indexes;
    for (let depth = branches.length - 1; depth >= 0; depth--) {
      const { children, first } = branches[depth] as Branch;
      const index = (indexes[depth] as number) + step;
      if (index < first || index >= children.length) continue;
      indexes[depth] = index;
      return this.#descend(children[index] as Tree, depth, step);
    }
    this.slice = undefined;
    return undefined;
  }

  #descend(child: Tree, from: number, step: 1 | -1): Slice {
    let node = child;
    let depth = from + 1;
    while (!(node instanceof Slice)) {
      const index = step === 1 ? node.first : node.children.length - 1;
      this.#branches[depth] = node;
      this.#indexes[depth] = index;
      node = node.children[index] as Tree;
      depth += 1;
    }
    this.slice = node;
    return node;
  }
}
