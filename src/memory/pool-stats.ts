import { IoliteError } from '../base/error.ts';
import { invariant } from '../base/invariant.ts';
import { bytesOf, type OwnedChunk } from './chunk.ts';
import type { Lease, Tally } from './lease.ts';

/** Counters of a pool. Bytes unless said otherwise. */
export interface PoolStats {
  /** Chunks that exist now. */
  readonly chunks: number;
  /** Chunks of these that hold no live slice here; another domain may still lease them. */
  readonly chunksIdle: number;
  /** Bytes of all chunks. */
  readonly bytesMapped: number;
  /** Size of the chunks that hold a live slice or draft in this domain. */
  readonly bytesLive: number;
  /**
   * Bytes that slices and drafts of this domain refer to: what several refer to counts for each, but no
   * chunk for more than its size. If they are much fewer than `bytesHeld`, few bytes keep large buffers, and
   * `aggregate.compact()` copies them out.
   */
  readonly bytesUsed: number;
  /**
   * Bytes of chunks that serve nothing else, as something in them is referred to: by a slice or draft here,
   * or by another domain's lease, which keeps a whole chunk as well. They come back when these go.
   */
  readonly bytesHeld: number;
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
  /** Of the chunk that small buffers are placed in, and where the next one goes. */
  readonly current: Lease | undefined;
  readonly position: number;
}

/** Counters that only rise. */
type PoolCounters = Pick<PoolStats, 'recycled' | 'allocated' | 'leaked'>;

/** What a division counts of the pools of its groups, together. */
export type GroupStats = Omit<PoolStats, 'allocated'>;

/**
 * What is told of a pool. O(chunks), and a system call for each idle one that another domain was given.
 * @param tallies of the last leases of the chunks
 */
export function statsOf(
  { chunks, idle, bytesMapped, bytesIdle, current }: PoolSums,
  counters: PoolCounters,
  tallies: { get(chunk: OwnedChunk): Tally | undefined },
): PoolStats {
  let bytesUsed = 0;
  let bytesHeld = 0;
  for (const chunk of chunks) {
    const isOnlyOpen = chunk === current?.chunk && current.references === 1;
    const isUsed = !idle.has(chunk) && !isOnlyOpen;
    if (isUsed || chunk.isLeasedElsewhere()) bytesHeld += chunk.size;
    if (isUsed) bytesUsed += Math.min(tallies.get(chunk)?.bytes ?? 0, chunk.size - chunk.payloadStart);
  }
  return {
    chunks: chunks.size,
    chunksIdle: idle.size,
    bytesMapped,
    bytesLive: bytesMapped - bytesIdle,
    bytesUsed,
    bytesHeld,
    ...counters,
  };
}

/** As if the chunks of its groups were the pool's own. */
export function withGroups(own: PoolStats, groups: GroupStats | undefined): PoolStats {
  const sum: { -readonly [name in keyof PoolStats]: number } = { ...own };
  for (const name of Object.keys(groups ?? {}) as (keyof GroupStats)[]) sum[name] += groups?.[name] ?? 0;
  return sum;
}

/** Compares the counters of a pool with the lists of its chunks. O(chunks). */
export function checkSums({ chunks, idle, bytesMapped, bytesIdle, current, position }: PoolSums): void {
  invariant(bytesOf(chunks) === bytesMapped, "a pool's bytes are those of its chunks");
  invariant(bytesOf(idle) === bytesIdle, "a pool's idle bytes are those of its idle chunks");
  for (const chunk of idle) {
    invariant(chunks.has(chunk), "a pool's idle chunks are among its chunks");
    invariant(chunk !== current?.chunk, 'the chunk that small buffers are placed in is in use');
  }
  invariant(position <= (current?.chunk.size ?? 0), 'the next small buffer lies in the current chunk');
}

/** A pool has no room for so many bytes more. */
export function fullError(size: number, name: string, used: number, limit: number): IoliteError {
  const message = `Cannot allocate ${size} bytes from pool ${name}: ${used} of its ${limit} bytes are in use`;
  return new IoliteError('ERR_IOLITE_LIMIT', message);
}
