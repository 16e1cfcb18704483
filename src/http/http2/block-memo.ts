import type { Http2Head } from './request-head.ts';

const SLOTS = 64;
const MAX_BYTES = 256;
const SPREAD = 0x9e3779b1;

interface Entry {
  readonly bytes: Buffer;
  /** Of the decoder's table that it was decoded with; -1 if it was decoded without. */
  readonly generation: number;
  readonly head: Http2Head;
}

/**
 * Heads of requests by the bytes of their blocks, on one connection: who asks the same again sends the same
 * few bytes, which mean the same as long as the decoder's table is the same.
 */
export class BlockMemo {
  readonly #slots: (Entry | undefined)[] = [];

  /** @param generation of the decoder's table now */
  recall(bytes: Buffer, start: number, end: number, generation: number): Http2Head | undefined {
    const length = end - start;
    if (length > MAX_BYTES) return undefined;
    const entry = this.#slots[slotOf(bytes, start, end)];
    if (entry === undefined || entry.bytes.length !== length) return undefined;
    if (entry.generation !== generation && entry.generation !== -1) return undefined;
    for (let i = 0; i < length; i++) if (entry.bytes[i] !== bytes[start + i]) return undefined;
    return entry.head;
  }

  /** @param generation -1 for a block that was decoded without the table */
  keep(bytes: Buffer, start: number, end: number, generation: number, head: Http2Head): void {
    if (end - start > MAX_BYTES) return;
    const own = Buffer.from(bytes.subarray(start, end));
    this.#slots[slotOf(bytes, start, end)] = { bytes: own, generation, head };
  }
}

function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), SPREAD);
  return (hash >>> 16) & (SLOTS - 1);
}
