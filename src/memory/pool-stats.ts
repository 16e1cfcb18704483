import { invariant } from '../base/invariant.ts';
import { bytesOf, type Chunk, type OwnedChunk } from './chunk.ts';

/** Counters of a pool. Bytes unless said otherwise. */
export interface PoolStats {
  /** Chunks that exist now. */
  readonly chunks: number;
  /** Chunks of these that hold no live slice here; another domain may still lease them. */
  readonly chunksIdle: number;
  readonly bytesMapped: number;
  /** Size of the chunks that hold a live slice or draft in this domain. */
  readonly bytesLive: number;
  /** How often a chunk was refilled instead of made. */
  readonly recycled: number;
  /** How many buffers were allocated. */
  readonly allocated: number;
  /** Leases that the garbage collector had to end because nobody released their slices. */
  readonly leaked: number;
}

/** The chunks of a pool, and what it counts of them. */
export interface PoolSums {
  readonly chunks: ReadonlySet<OwnedChunk>;
  readonly idle: ReadonlySet<OwnedChunk>;
  readonly bytesMapped: number;
  readonly bytesIdle: number;
  /** The chunk that small buffers are placed in, and where the next one goes. */
  readonly current: Chunk | undefined;
  readonly position: number;
}

/** Compares the counters of a pool with the lists of its chunks. O(chunks). */
export function checkSums({ chunks, idle, bytesMapped, bytesIdle, current, position }: PoolSums): void {
  invariant(bytesOf(chunks) === bytesMapped, "a pool's bytes are those of its chunks");
  invariant(bytesOf(idle) === bytesIdle, "a pool's idle bytes are those of its idle chunks");
  for (const chunk of idle) {
    invariant(chunks.has(chunk), "a pool's idle chunks are among its chunks");
    invariant(chunk !== current, 'the chunk that small buffers are placed in is in use');
  }
  invariant(position <= (current?.size ?? 0), 'the next small buffer lies in the current chunk');
}
