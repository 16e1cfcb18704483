import type { Aggregate } from '../../aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../aggregate/aggregate-of-slices.ts';
import type { Slice } from '../../aggregate/slice.ts';
import type { Credentials } from '../../memory/acl.ts';
import type { Lease } from '../../memory/lease.ts';
import { SharedChunk } from '../../memory/shared-chunk.ts';

/**
 * A body with the same bytes, of which the peer may be given all chunks: another reference, and a copy of
 * what lies beside what others are sent. The caller releases it. @throws as Division.copyFor
 */
export function bodyForPeer(peer: Credentials, body: Aggregate, slices: readonly Slice[]): Aggregate {
  if (!slices.some(({ lease }) => lease.chunk instanceof SharedChunk && lease.chunk.isKeptFrom(peer)))
    return body.duplicate();
  const passed: { lease: Lease; start: number; end: number }[] = [];
  try {
    for (const { lease, start, end } of slices) {
      const copy = lease.chunk instanceof SharedChunk ? lease.chunk.copyFor(peer, start, end) : undefined;
      if (copy === undefined) lease.retain();
      passed.push(copy ?? { lease, start, end });
    }
  } catch (error) {
    for (const { lease } of passed) lease.release();
    throw error;
  }
  return aggregateOfSlices(passed);
}
