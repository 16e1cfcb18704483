import type { ValueFacts } from './value-facts.ts';

/**
 * What an entry takes whatever it is of: its objects in the store, the policy and the segment, their places
 * in tables, and its record in the directory, which is memory too.
 */
const ENTRY_BYTES = 1000;
const STRING_BYTES = 28;
/** What its place among those with a tag takes. */
const TAG_BYTES = 100;

/** About how many bytes of heap keeping a value takes, besides its content. */
export function heapBytesOf(key: string, { tags = [] }: ValueFacts): number {
  let bytes = ENTRY_BYTES + STRING_BYTES + key.length;
  for (const { length } of tags) bytes += TAG_BYTES + STRING_BYTES + length;
  return bytes;
}
