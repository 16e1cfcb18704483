import type { Lease } from '../memory/lease.ts';
import { Aggregate } from './aggregate.ts';
import { Slice } from './slice.ts';
import { treeOf } from './tree/tree.ts';

/** An aggregate of slices, whose references, of leases retained, it takes over from the caller. */
export function aggregateOfSlices(
  slices: readonly { readonly lease: Lease; readonly start: number; readonly end: number }[],
): Aggregate {
  const counted = slices.map(({ lease, start, end }) => {
    lease.note(end - start);
    return new Slice(lease, start, end);
  });
  return new Aggregate(treeOf(counted));
}
