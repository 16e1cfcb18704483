const PAGE_BYTES = 4096;
/** In its page. */
const MARK_AT = 1000;
export const MARK_BYTES = 32;

/**
 * Fills memory with pages of which each can be found again (page-frames.ts), without leaving a trace of its
 * mark anywhere else: in no string, and in no other buffer.
 * @param bytes whole pages
 */
export function fillMarked(bytes: Uint8Array, seed: number): void {
  for (let page = 0; page * PAGE_BYTES < bytes.length; page++) {
    bytes.fill(97 + (page % 26), page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    for (let i = 0; i < MARK_BYTES; i++) bytes[page * PAGE_BYTES + MARK_AT + i] = markByte(seed, page, i);
  }
}

/** The mark of a page. */
export function markOf(seed: number, page: number): Buffer {
  return Buffer.from(Array.from({ length: MARK_BYTES }, (_, i) => markByte(seed, page, i)));
}

/** Its first half is that of all pages of the seed. */
function markByte(seed: number, page: number, i: number): number {
  const of = i < MARK_BYTES / 2 ? seed : seed + 1 + page;
  return (Math.imul(of * 31 + i + 1, 2654435761) >>> 13) & 255;
}
