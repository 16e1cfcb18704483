import type { Lease } from '../memory/lease.ts';
import { Aggregate } from './aggregate.ts';
import { Slice } from './slice.ts';
import { treeOf } from './tree/tree.ts';

/** An aggregate of slices, whose references it takes over from the caller. */
export function aggregateOfSlices(
  slices: readonly { readonly lease: Lease; readonly start: number; readonly end: number }[],
): Aggregate {
  return new Aggregate(treeOf(slices.map(({ lease, start, end }) => new Slice(lease, start, end))));
}
