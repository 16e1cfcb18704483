import type { ValueFacts } from './value-facts.ts';

/**
 * What an entry takes of the heap whatever it is of: its objects in the store, the policy and the segment,
 * and their places in tables.
 */
const ENTRY_BYTES = 850;
const STRING_BYTES = 28;
/** What its place among those with a tag takes. */
const TAG_BYTES = 100;

/** About how many bytes of heap keeping a value takes, besides its content. */
export function heapBytesOf(key: string, { tags = [] }: ValueFacts): number {
  let bytes = ENTRY_BYTES + STRING_BYTES + key.length;
  for (const { length } of tags) bytes += TAG_BYTES + STRING_BYTES + length;
  return bytes;
}
