import { MemoryGauge } from './memory-gauge.ts';

/** Where there is less memory than that, what can be worked out again is better not kept: files are. */
export const SMALL_MEMORY_BYTES = 1024 ** 3;

let isSmall: boolean | undefined;

/** Whether this process, in its container, has little memory. Looked at once. */
export function hasSmallMemory(): boolean {
  isSmall ??= new MemoryGauge().limit() < SMALL_MEMORY_BYTES;
  return isSmall;
}
