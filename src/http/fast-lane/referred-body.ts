import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { sendFromFile } from '../../os/sendfile.ts';

/**
 * The only slice of a body that is better referred to than copied: its memory is never refilled anyhow, so
 * that it costs nothing that a socket's queue may refer to it for long (see Chunk.sendableDescriptor).
 * @returns undefined for a body that is to be copied
 */
export function referable(body: Aggregate): Slice | undefined {
  const [slice, more] = body.slices();
  return more === undefined && slice?.lease.chunk.spent === true ? slice : undefined;
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
