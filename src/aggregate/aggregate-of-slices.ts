import { invariant } from '../base/invariant.ts';
import type { Lease } from '../memory/lease.ts';
import { Aggregate } from './aggregate.ts';
import { Slice } from './slice.ts';
import { retain, type Tree } from './tree/branch.ts';
import { treeOf } from './tree/tree.ts';

/** A part of a chunk, and the reference of its lease that a slice is to have. */
interface LeasedRange {
  readonly lease: Lease;
  readonly start: number;
  readonly end: number;
}

/** An aggregate of slices, whose references, of leases retained, it takes over from the caller. */
export function aggregateOfSlices(ranges: readonly LeasedRange[]): Aggregate {
  return new Aggregate(treeOfSlices(ranges));
}

/** An aggregate of all of a slice, which somebody holds. O(1), copies nothing. */
export function sharedSlice(slice: Slice): Aggregate {
  invariant(slice.lease.references > 0, 'what is shared is held by somebody');
  retain(slice);
  return new Aggregate(slice);
}

/** The tree of such an aggregate. */
export function treeOfSlices(ranges: readonly LeasedRange[]): Tree | undefined {
  return treeOf(ranges.map(({ lease, start, end }) => treeOfSlice(lease, start, end)));
}

/** That of a single slice, of a byte or more. */
export function treeOfSlice(lease: Lease, start: number, end: number): Slice {
  lease.note(end - start);
  return new Slice(lease, start, end);
}
