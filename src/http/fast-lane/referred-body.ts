import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { sendFromFile } from '../../os/sendfile.ts';

/**
 * Bodies of these sizes in bytes cost less by reference than by the kernel's copy. Those between fill several
 * segments of pages, while their copies stay in the processor's caches: at 64 and 256 KiB and 16 connections
 * they cost twice as much by reference.
 */
const MOST_SMALL_BYTES = 60 * 1024;
const LEAST_LARGE_BYTES = 512 * 1024;

/**
 * The only slice of a body that is better referred to than copied: its memory is never refilled anyhow, so
 * that it costs nothing that a socket's queue may refer to it for long (see Chunk.sendableDescriptor).
 * @returns undefined for a body that is to be copied
 */
export function referable(body: Aggregate): Slice | undefined {
  if (isMiddling(body.length)) return undefined;
  const [slice, more] = body.slices();
  return more === undefined && slice?.lease.chunk.spent === true ? slice : undefined;
}

/** Whether a slice that is all of a body is better referred to: see {@link referable}. */
export function isReferable({ length, lease }: Slice): boolean {
  return !isMiddling(length) && lease.chunk.spent;
}

function isMiddling(length: number): boolean {
  return length > MOST_SMALL_BYTES && length < LEAST_LARGE_BYTES;
}

/**
 * Sends such a slice as far as a socket takes it now.
 * @param most bytes to send
 * @returns how many bytes it took: 0 too when it failed, for the next write through Node's socket says how
 */
export function sendReferred(fd: number, { lease, start, length }: Slice, most = length): number {
  try {
    return sendFromFile(fd, lease.chunk.sendableDescriptor() as number, start, Math.min(length, most)) ?? 0;
  } catch {
    return 0;
  }
}
