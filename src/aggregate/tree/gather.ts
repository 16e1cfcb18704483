import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Reservation } from '../../memory/reservation.ts';
import { Slice } from '../slice.ts';
import { type Branch, forEachSlice, release, retain, type Tree } from './branch.ts';
import { copyRange } from './copy.ts';
import { replaceAcross } from './cut.ts';
import { commit } from './fill.ts';
import { treeOf } from './tree.ts';

/**
 * Slices below this size are scattered where many of them are side by side: to copy one costs less than to
 * visit it once more. Measured by `npm run bench -- aggregate-scale`.
 */
const SCATTERED_BYTES = 512;
/** So many scattered slices side by side are worth a buffer of their own. */
const LEAST_SLICES = 8;
/** From so many bytes a slice on, on the average, there is too little in a list that is small. */
const SPARSE_BYTES = 2 * SCATTERED_BYTES;
/** Of a chunk of which less is used most is kept for nothing. */
const SCANT_PART = 1 / 8;
/** Slices that become one copy at most: 16 KiB. */
const MAX_SLICES = 32;
/** Slices beyond this size are not gathered, however many there are. */
const MAX_GATHERED_BYTES = 512 * MAX_SLICES ** 3;

/**
 * Changes that scatter (IO-Lite, 2.8, third case): where many small slices lie side by side their bytes are
 * copied into one buffer, so that whoever reads, sends or changes them next has one slice to visit. Looks at
 * the slices around a position only, 32 at most. Where there is no memory for a copy the tree stays as it is.
 *
 * Consumes the tree. O(log slices); copies 16 KiB at most.
 */
export function gatherAround(tree: Tree, position: number, pool: ChunkPool): Tree {
  if (tree instanceof Slice || pool.kind !== 'recycle') return tree;
  let branch: Branch = tree;
  let start = 0;
  while (branch.height > 1) {
    const index = branch.childAt(position - start);
    start += branch.startOf(index);
    branch = branch.children[index] as Branch;
  }
  if (branch.children.length - branch.first < LEAST_SLICES) return tree;
  const run = longestRun(branch);
  if (run.count < LEAST_SLICES) return tree;
  const from = start + run.start;
  const copy = copied(run.length, pool, room => copyRange(tree, room, 0, from, from + run.length));
  if (copy === undefined) return tree;
  const { tree: gathered, removed } = replaceAcross(tree, from, run.length, copy);
  if (removed !== undefined) release(removed);
  return gathered as Tree;
}

/** Whether so much of a list is small that it may be worth gathering. A look at one slice in 32, or fewer. */
export function isScattered(tree: Tree): boolean {
  return tree.length < SPARSE_BYTES * countSlices(tree);
}

function countSlices(tree: Tree): number {
  if (tree instanceof Slice) return 1;
  const { children, first, height } = tree;
  if (height === 1) return children.length - first;
  let count = 0;
  for (let i = first; i < children.length; i++) count += countSlices(children[i] as Tree);
  return count;
}

/**
 * Whether a slice keeps a chunk of which all that refers to it uses little: then to copy it out lets go of
 * much memory. Not while small buffers are still placed there.
 */
export function keepsUnused({ lease }: Slice, pool: ChunkPool): boolean {
  return lease.tally.bytes < lease.chunk.size * SCANT_PART && !pool.isFilling(lease);
}

/**
 * As {@link gatherAround}, of all slices, until there are no more than `most`, if that can be had. O(slices);
 * copies what is scattered, and of a longer list larger slices too.
 * @returns a tree of the same bytes, whose reference is the caller's in place of the one to `tree`
 */
export function gatherAll(tree: Tree, pool: ChunkPool, most = Number.POSITIVE_INFINITY): Tree {
  let gathered = tree;
  for (let below = SCATTERED_BYTES; below <= MAX_GATHERED_BYTES; below *= MAX_SLICES) {
    const list = new GatheredList(gathered, pool, below);
    if (list.isShorter) {
      release(gathered);
      gathered = list.take();
    } else list.drop();
    if (list.length <= most) break;
  }
  return gathered;
}

/** The slices of a tree, of which those in long rows of small ones are copied together. */
class GatheredList {
  isShorter = false;
  readonly #pool: ChunkPool;
  readonly #slices: Slice[] = [];
  #row: Slice[] = [];

  constructor(tree: Tree, pool: ChunkPool, below: number) {
    this.#pool = pool;
    forEachSlice(tree, slice => {
      if (slice.length >= below) {
        this.#endRow();
        this.#share(slice);
      } else if (this.#row.push(slice) === MAX_SLICES) this.#endRow();
    });
    this.#endRow();
  }

  get length(): number {
    return this.#slices.length;
  }

  /** @returns a tree of them */
  take(): Tree {
    return treeOf(this.#slices) as Tree;
  }

  drop(): void {
    for (const slice of this.#slices) release(slice);
  }

  #endRow(): void {
    const row = this.#row;
    this.#row = [];
    const copy = row.length < LEAST_SLICES ? undefined : joinedCopy(row, this.#pool);
    if (copy === undefined) for (const slice of row) this.#share(slice);
    else {
      this.#slices.push(copy);
      this.isShorter = true;
    }
  }

  #share(slice: Slice): void {
    retain(slice);
    this.#slices.push(slice);
  }
}

/** The longest row of scattered slices in a branch of slices, by number. */
function longestRun(branch: Branch): { start: number; length: number; count: number } {
  const { children, first } = branch;
  let longest = { start: 0, length: 0, count: 0 };
  let row = { start: 0, length: 0, count: 0 };
  let position = 0;
  for (let index = first; index < children.length; index++) {
    const { length } = children[index] as Slice;
    if (length < SCATTERED_BYTES) {
      row.length += length;
      row.count += 1;
      if (row.count > longest.count) longest = row;
    } else row = { start: position + length, length: 0, count: 0 };
    position += length;
  }
  return longest;
}

function joinedCopy(slices: readonly Slice[], pool: ChunkPool): Slice | undefined {
  let length = 0;
  for (const slice of slices) length += slice.length;
  return copied(length, pool, room => {
    let at = 0;
    for (const slice of slices) {
      copyRange(slice, room, at, 0, slice.length);
      at += slice.length;
    }
  });
}

/** @returns undefined where the pool has no room, or is closed */
function copied(length: number, pool: ChunkPool, fill: (room: Buffer) => void): Slice | undefined {
  let reservation: Reservation;
  try {
    reservation = pool.reserve(length, true);
  } catch {
    return undefined;
  }
  fill(reservation.bytes);
  return commit(pool, reservation, length);
}
