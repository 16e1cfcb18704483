import { BoundsError } from '../../base/error.ts';
import { MAX_CHUNK_BYTES, PAGE_BYTES, roundUp } from '../../memory/chunk.ts';
import type { MappedMemory } from '../../os/mapping/mapped-memory.ts';
import { abandon, type MappedPart, mapTogether, mostMappings } from '../../os/mapping/mapping.ts';
import type { Slice } from '../slice.ts';
import { forEachSlice, release, retain, type Tree } from './branch.ts';
import { copyRange, flatCopy } from './copy.ts';

/** Parts that one view maps at most: of more the longest, and the rest is copied. */
const MOST_PARTS = 1024;
/** Of the mappings that a process may have, those of all views together: chunks of others get half. */
const MAPPINGS_PART = 1 / 8;
/** To map fewer bytes costs more than to copy them. */
const LEAST_MAPPED_BYTES = PAGE_BYTES;

/** Where the bytes of a tree lie in a range of addresses that is as much of it mapped as can be. */
interface Layout {
  /** Of the first byte in the range. */
  readonly start: number;
  /** In the order of the range. */
  readonly parts: readonly MappedPart[];
}

/**
 * All bytes of a tree at addresses that follow one another (IO-Lite, 2.4: what mmap is for). The whole pages
 * of slices are mapped once more, side by side, and what does not fill pages, or lies in them at another
 * place, is copied between them. Nothing of the slices' chunks is there but what the tree has:
 *
 *     slices   │1111│1111│11   22│2222│2222│    pages of two chunks
 *     range    │1111│1111│1122│2222│2222│
 *               mapped    copied  mapped
 */
class ContiguousBytes {
  readonly bytes: Buffer;
  /** What is shown, by a reference of its own. */
  readonly #tree: Tree;
  #memory: MappedMemory | undefined;
  readonly #parts: number;

  /** @throws SystemError: ENOMEM */
  constructor(tree: Tree, { start, parts }: Layout) {
    const { length } = tree;
    const size = roundUp(start + length, PAGE_BYTES);
    const memory = mapTogether(size, parts, range => {
      let from = start;
      for (const part of [...parts, { at: start + length, length: 0 }]) {
        copyRange(tree, range, from, from - start, part.at - start);
        from = part.at + part.length;
      }
    });
    this.#memory = memory;
    this.#tree = tree;
    this.#parts = parts.length;
    retain(tree);
    mappedParts += parts.length;
    collected.register(this, parts.length, this);
    const { shown } = memory;
    this.bytes = shown.subarray(start, start + length);
    keepers.set(shown.buffer, tree);
  }

  /** Whether these are the bytes of the tree. */
  isOf(tree: Tree): boolean {
    return tree === this.#tree && this.bytes.length > 0;
  }

  /** Gives the memory back: views of it read as zeros from here on. */
  end(): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    this.#memory = undefined;
    collected.unregister(this);
    mappedParts -= this.#parts;
    abandon(memory);
    release(this.#tree);
  }
}

/** Keeps the chunks of what is shown as long as anybody can read it, should its aggregate be forgotten. */
const keepers = new WeakMap<ArrayBufferLike, Tree>();
/** Of all views that exist. */
let mappedParts = 0;
const collected = new FinalizationRegistry<number>(parts => {
  mappedParts -= parts;
});

/** What was mapped, by whom it was asked for. */
const shownBy = new WeakMap<object, ContiguousBytes[]>();

/**
 * Gives back what was mapped for a sequence that is released. Undefined as long as nothing ever was, so that
 * the release of all others costs a comparison.
 */
export let endShown: ((sequence: object) => void) | undefined;

function endAll(sequence: object): void {
  for (const shown of shownBy.get(sequence) ?? []) shown.end();
}

/**
 * The bytes of a sequence in one place: mapped until {@link endShown}, or a copy on the heap where there is
 * nothing to be mapped.
 * @param tree of the sequence
 * @throws ERR_IOLITE_RANGE beyond 4 GiB; SystemError: ENOMEM
 */
export function contiguousBytes(sequence: object, tree: Tree): Buffer {
  if (tree.length > MAX_CHUNK_BYTES) {
    throw new BoundsError(
      `Cannot view aggregate: at most ${MAX_CHUNK_BYTES} bytes are wanted, its length is ${tree.length}`,
    );
  }
  const known = shownBy.get(sequence) ?? [];
  const same = known.find(each => each.isOf(tree));
  if (same !== undefined) return same.bytes;
  const layout = layOut(tree);
  if (layout.parts.length === 0) return flatCopy(tree, 0, tree.length);
  const shown = new ContiguousBytes(tree, layout);
  shownBy.set(sequence, [...known, shown]);
  endShown = endAll;
  return shown.bytes;
}

function layOut(tree: Tree): Layout {
  const start = bestStart(tree);
  const parts: MappedPart[] = [];
  forEachPart(tree, (slice, position) => {
    const fd = slice.lease.chunk.descriptorToMap();
    const from = roundUp(start + position, PAGE_BYTES);
    const end = start + position + slice.length;
    const length = end - (end % PAGE_BYTES) - from;
    if (fd === undefined || placeOf(slice, position) !== start || length < LEAST_MAPPED_BYTES) return;
    parts.push({ at: from, fd, offset: slice.start + from - start - position, length });
  });
  const most = Math.min(MOST_PARTS, Math.floor(mostMappings() * MAPPINGS_PART) - mappedParts);
  if (parts.length <= most) return { start, parts };
  const longest = [...parts].sort((a, b) => b.length - a.length).slice(0, Math.max(0, most));
  return { start, parts: longest.sort((a, b) => a.at - b.at) };
}

/** Where in its page the first byte is to lie, so that most bytes lie in theirs as in the chunks. */
function bestStart(tree: Tree): number {
  const bytesAt = new Map<number, number>();
  let best = 0;
  forEachPart(tree, (slice, position) => {
    if (slice.length < PAGE_BYTES || slice.lease.chunk.descriptorToMap() === undefined) return;
    const place = placeOf(slice, position);
    const bytes = (bytesAt.get(place) ?? 0) + slice.length;
    bytesAt.set(place, bytes);
    if (bytes > (bytesAt.get(best) ?? 0)) best = place;
  });
  return best;
}

/** Where the first byte of all lies in its page, if a slice's bytes lie in theirs as they do in the chunk. */
function placeOf({ start }: Slice, position: number): number {
  return (((start - position) % PAGE_BYTES) + PAGE_BYTES) % PAGE_BYTES;
}

function forEachPart(tree: Tree, visit: (slice: Slice, position: number) => void): void {
  let position = 0;
  forEachSlice(tree, slice => {
    visit(slice, position);
    position += slice.length;
  });
}
