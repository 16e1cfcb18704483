import { unsupportedReason } from '../os/libc.ts';

/** Whether pools of shared memory can be made here: Linux, on a 64-bit little-endian processor. */
export function sharedMemoryIsSupported(): boolean {
  return unsupportedReason() === undefined;
}
