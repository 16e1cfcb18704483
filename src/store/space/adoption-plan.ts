import type { Slice } from '../../aggregate/slice.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import { ImportedChunk } from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import type { PoolKind } from '../../memory/pool-options.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';

/** What becomes of a content that is in memory. */
interface AdoptionPlan {
  /** Chunks that may be kept, with all that the content has in each. */
  readonly whole: ReadonlyMap<Lease, readonly Slice[]>;
  /** The slices in order, those together that are kept in one chunk, or copied one behind the other. */
  readonly parts: readonly (readonly [Slice, ...Slice[]])[];
}

/** How much of a chunk may hold nothing, for it to be kept. */
const MOST_WASTE_PART = 1 / 4;
/** Of pools: what is put in place of another must be no weaker. */
const STRENGTH: { readonly [kind in PoolKind]: number } = { recycle: 0, protect: 1, seal: 2 };

/**
 * Which chunks of a content a cache may keep, and what it has to copy. A chunk is kept if it is full of this
 * content, and whoever may be given it is whom the cache would give its own: with the same access list, and
 * protected no worse.
 * @param pool of the cache
 * @param mayKeep what the cache says to a chunk besides
 * @returns undefined for a content that somebody could change while it is copied, or later: that is to be
 *   read from where it was written to
 */
export function planAdoption(
  slices: readonly Slice[],
  pool: ChunkPool,
  mayKeep: (lease: Lease) => boolean,
): AdoptionPlan | undefined {
  if (!slices.every(({ lease: { chunk } }) => isFixed(chunk))) return undefined;
  const whole = new Map<Lease, Slice[]>();
  for (const slice of slices) {
    const others = whole.get(slice.lease);
    if (others === undefined) whole.set(slice.lease, [slice]);
    else others.push(slice);
  }
  for (const [lease, all] of whole)
    if (!isAsOurs(lease.chunk, pool) || !isFull(lease, all) || !mayKeep(lease)) whole.delete(lease);
  const parts: [Slice, ...Slice[]][] = [];
  for (const slice of slices) {
    const last = parts.at(-1);
    const goesOn = last !== undefined && whole.get(last[0].lease) === whole.get(slice.lease);
    if (goesOn) last.push(slice);
    else parts.push([slice]);
  }
  return { whole, parts };
}

/** Whether nobody changes the bytes of a chunk any more, but against the rules of this process. */
function isFixed(chunk: Lease['chunk']): boolean {
  return !chunk.isWritable && !(chunk instanceof ImportedChunk && !chunk.frozen);
}

function isAsOurs(chunk: Lease['chunk'], pool: ChunkPool): boolean {
  if (!(chunk instanceof SharedChunk) || STRENGTH[chunk.kind] < STRENGTH[pool.kind]) return false;
  return JSON.stringify(chunk.acl) === JSON.stringify(pool.acl);
}

/** Whether slices fill a chunk, and none of its bytes is there twice. */
function isFull({ chunk }: Lease, slices: readonly Slice[]): boolean {
  let [bytes, end] = [0, 0];
  for (const slice of [...slices].sort((a, b) => a.start - b.start)) {
    if (slice.start < end) return false;
    bytes += slice.length;
    end = slice.end;
  }
  return bytes >= (1 - MOST_WASTE_PART) * chunk.size;
}
