import { now } from '../../base/clock.ts';
import { CHECKED, invariant } from '../../base/invariant.ts';
import { bytesOf, type ChunkKeeper, type OwnedChunk } from '../../memory/chunk.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import type { Lease } from '../../memory/lease.ts';

interface RetiredChunk {
  /** Held weakly: one that leaked is to be collected. */
  readonly lease: WeakRef<Lease>;
  readonly at: number;
  /**
   * When it was given back to the system, which has its memory as soon as the last domain that maps it has
   * heard of that.
   */
  droppedAt?: number;
}

/** In which those who map a chunk have heard that it was given back to the system. */
const GRACE_MS = 100;
/** In which those who are told that a version has left let go of it, unless they hold on to it. */
const LEAVING_MS = 1000;

/**
 * Chunks that a cache has left as a whole and that somebody, here or elsewhere, may hold still: their memory
 * is in use until nobody does, which has to be asked.
 */
export class RetiredChunks implements ChunkKeeper {
  readonly #pool: ChunkPool;
  readonly #chunks = new Map<OwnedChunk, RetiredChunk>();
  #bytes = 0;

  /** @param pool that they come from */
  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Of all of them, together. */
  get bytes(): number {
    return this.#bytes;
  }

  chunks(): Iterable<OwnedChunk> {
    return this.#chunks.keys();
  }

  /**
   * How many came a moment ago, are not used here, and so are likely to be free in another: see
   * {@link sweep}.
   */
  get leaving(): number {
    const recently = now() - LEAVING_MS;
    let count = 0;
    for (const { at, lease, droppedAt } of this.#chunks.values()) {
      if (droppedAt !== undefined || (at > recently && (lease.deref()?.references ?? 0) === 0)) count += 1;
    }
    return count;
  }

  /** The chunk of a lease is left. The reference is released here. */
  add(lease: Lease): void {
    const chunk = lease.chunk as OwnedChunk;
    invariant(!this.#chunks.has(chunk), 'a chunk is retired once before it is used again');
    this.#chunks.set(chunk, { lease: new WeakRef(lease), at: now() });
    this.#bytes += chunk.size;
    lease.release();
  }

  /** A chunk is in use again, or was never retired. */
  remove(chunk: OwnedChunk): void {
    if (this.#chunks.delete(chunk)) this.#bytes -= chunk.size;
    invariant(this.#bytes >= 0, 'retired chunks have no fewer bytes than none');
  }

  /** Finds out which of them nobody holds any more. @returns how many these were */
  sweep(): number {
    const before = this.#chunks.size;
    for (const [chunk, retired] of this.#chunks) if (this.#isFree(chunk, retired)) this.remove(chunk);
    return before - this.#chunks.size;
  }

  /** Of those that no pool has. */
  get claimedBytes(): number {
    return bytesOf([...this.#chunks.keys()].filter(({ isClaimed }) => isClaimed));
  }

  /** The last slice of a chunk that the cache has claimed is gone. */
  idle(chunk: OwnedChunk): void {
    if (!this.#chunks.has(chunk)) chunk.drop();
  }

  /** It is claimed once more, by this cache: nobody else may. */
  claimed(chunk: OwnedChunk): void {
    this.remove(chunk);
  }

  clear(): void {
    for (const [chunk, { lease }] of this.#chunks)
      if (chunk.isClaimed && (lease.deref()?.references ?? 0) === 0) chunk.drop();
    this.#chunks.clear();
    this.#bytes = 0;
  }

  /** Checks that the bytes are those of the chunks. O(chunks), where invariants are checked. */
  check(): void {
    if (!CHECKED) return;
    const sum = [...this.#chunks.keys()].reduce((bytes, { size }) => bytes + size, 0);
    invariant(sum === this.#bytes, 'the bytes of retired chunks are their sizes, added up');
  }

  #isFree(chunk: OwnedChunk, retired: RetiredChunk): boolean {
    if ((retired.lease.deref()?.references ?? 0) > 0 || chunk.isLeasedElsewhere()) return false;
    if (chunk.isClaimed) {
      chunk.drop();
      return true;
    }
    if (this.#pool.refill || chunk.memory !== 'shared') return true;
    if (retired.droppedAt === undefined) this.#pool.trim(0);
    retired.droppedAt ??= now();
    return now() - retired.droppedAt >= GRACE_MS;
  }
}
