import { PAGE_BYTES } from '../memory/chunk.ts';

const MAX_SEGMENT_BYTES = 1024 ** 2;
const MIN_SEGMENT_BYTES = 64 * 1024;
/**
 * No more segments than a channel's peer accepts as chunks by default: larger budgets have larger segments.
 */
const MAX_SEGMENTS = 4000;
/** A budget is divided into at least so many, where pages allow it. */
const MIN_SEGMENTS = 32;
const MIN_SMALL_SEGMENTS = 4;

/** Bytes of content that a segment of a budget has room for; 0 when the budget admits none. */
export function segmentBytesOf(budget: number): number {
  const fine = Math.max(budget / MIN_SEGMENTS, Math.min(MIN_SEGMENT_BYTES, budget / MIN_SMALL_SEGMENTS));
  const wanted = Math.max(Math.min(fine, MAX_SEGMENT_BYTES), budget / MAX_SEGMENTS);
  const bytes = Math.floor(wanted / PAGE_BYTES) * PAGE_BYTES;
  if (bytes === MAX_SEGMENT_BYTES) return bytes;
  return Math.max(0, bytes - PAGE_BYTES);
}
