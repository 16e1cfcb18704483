import { Slice } from './slice.ts';
import { type Branch, childAt, type Tree } from './tree.ts';

/** Walks the slices of a tree, forwards or backwards, from any position. Holds no references. */
export class Cursor {
  /** The slice at the cursor, undefined past either end. */
  slice: Slice | undefined;
  /** Position of the slice's first byte in the tree. */
  start = 0;
  readonly #branches: Branch[] = [];
  readonly #indexes: number[] = [];

  /** Places the cursor on the slice that holds byte `position`. O(log slices). */
  constructor(tree: Tree | undefined, position = 0) {
    if (tree === undefined || position >= tree.length || position < 0) return;
    let node = tree;
    let within = position;
    while (!(node instanceof Slice)) {
      const index = childAt(node.ends, within);
      this.#branches.push(node);
      this.#indexes.push(index);
      within -= index === 0 ? 0 : (node.ends[index - 1] as number);
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
    let depth = branches.length - 1;
    while (depth >= 0) {
      const index = (indexes[depth] as number) + step;
      const child = (branches[depth] as Branch).children[index];
      if (child !== undefined) {
        indexes[depth] = index;
        return this.#descend(child, depth, step);
      }
      depth -= 1;
    }
    this.slice = undefined;
    return undefined;
  }

  #descend(child: Tree, from: number, step: 1 | -1): Slice {
    let node = child;
    let depth = from + 1;
    while (!(node instanceof Slice)) {
      const index = step === 1 ? 0 : node.children.length - 1;
      this.#branches[depth] = node;
      this.#indexes[depth] = index;
      node = node.children[index] as Tree;
      depth += 1;
    }
    this.slice = node;
    return node;
  }
}
