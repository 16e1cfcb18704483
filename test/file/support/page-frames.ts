import { closeSync, openSync, readSync } from 'node:fs';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { addressOf } from '../../../src/os/libc.ts';

const PAGE_BYTES = 4096;
/** Of an entry of /proc/self/pagemap: the number of the page frame, which only root is told. */
const FRAME = (1n << 55n) - 1n;

/**
 * The page frames of physical memory that the whole pages of an aggregate lie in, in order. Undefined where
 * the kernel does not say.
 */
export function pageFrames(content: Aggregate): bigint[] | undefined {
  const fd = openSync('/proc/self/pagemap', 'r');
  const entry = Buffer.alloc(8);
  const frames: bigint[] = [];
  try {
    for (const { memory } of content.slices()) {
      const start = Number(addressOf(memory));
      for (
        let at = Math.ceil(start / PAGE_BYTES) * PAGE_BYTES;
        at < start + memory.length;
        at += PAGE_BYTES
      ) {
        // It is mapped once it is read.
        if ((memory[at - start] ?? 0) < 0) continue;
        readSync(fd, entry, 0, 8, (at / PAGE_BYTES) * 8);
        const frame = entry.readBigUInt64LE() & FRAME;
        if (frame === 0n) return undefined;
        frames.push(frame);
      }
    }
    return frames;
  } finally {
    closeSync(fd);
  }
}
