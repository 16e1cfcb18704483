import type { Aggregate } from '../../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../aggregate/aggregate-of-slices.ts';
import type { Slice } from '../../aggregate/slice.ts';
import type { Credentials } from '../../memory/acl.ts';
import type { Chunk } from '../../memory/chunk.ts';
import { ImportedChunk } from '../../memory/imported-chunk.ts';
import type { Lease } from '../../memory/lease.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';
import { forwardedCopies, isKeptFrom } from './forwarded-copies.ts';

/** A part of a chunk, with its lease. */
interface Part {
  readonly lease: Lease;
  readonly start: number;
  readonly end: number;
}

/**
 * A body with the same bytes, of which the peer may be given all chunks: another reference, and a copy of
 * what lies beside what others are sent, whether the chunk is of a pool here or was passed to us. The caller
 * releases it. @throws as Division.copyFor, ForwardedCopies.copyFor
 */
export function bodyForPeer(peer: Credentials, body: Aggregate, slices: readonly Slice[]): Aggregate {
  const kept = chunksKeptFrom(peer, slices);
  if (kept.size === 0) return body.duplicate();
  const passed: Part[] = [];
  try {
    for (const { lease, start, end } of slices) {
      const part = { lease, start, end };
      const copy = kept.has(lease.chunk) ? copyFor(peer, part) : undefined;
      if (copy === undefined) lease.retain();
      passed.push(copy ?? part);
    }
  } catch (error) {
    for (const { lease } of passed) lease.release();
    throw error;
  }
  return aggregateOfSlices(passed);
}

function chunksKeptFrom(peer: Credentials, slices: readonly Slice[]): Set<Chunk> {
  const slicesIn = new Map<Chunk, Slice[]>();
  for (const slice of slices) {
    const { chunk } = slice.lease;
    const present = slicesIn.get(chunk);
    if (present === undefined) slicesIn.set(chunk, [slice]);
    else present.push(slice);
  }
  const kept = new Set<Chunk>();
  for (const [chunk, ranges] of slicesIn) {
    if (chunk instanceof SharedChunk && chunk.isKeptFrom(peer)) kept.add(chunk);
    if (chunk instanceof ImportedChunk && isKeptFrom(chunk, peer, ranges)) kept.add(chunk);
  }
  return kept;
}

function copyFor(peer: Credentials, { lease, start, end }: Part): Part | undefined {
  const { chunk } = lease;
  if (chunk instanceof SharedChunk) return chunk.copyFor(peer, start, end);
  return forwardedCopies.copyFor(chunk as ImportedChunk, peer, { start, end });
}
