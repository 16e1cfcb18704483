import { SEEK_SET } from './constants.ts';
import { callInThreadPool, checked, libc } from './libc.ts';

/**
 * Copies a range of one file to the same place of another inside of the kernel (copy_file_range(2)): where
 * the file system can, both refer to the same blocks from then on. Moves the position of both descriptors, so
 * whoever else uses them has to state positions. Waits for the disk in libuv's thread pool.
 * @returns how many bytes were copied: fewer than `count` at the end of the input, 0 when this way does not
 *   work
 */
export async function copyFileRange(
  input: number,
  output: number,
  start: number,
  count: number,
): Promise<number> {
  for (const fd of [input, output])
    checked(libc().lseek(fd, start, SEEK_SET), 'lseek', `Cannot go to byte ${start} of a file`);
  return Math.max(0, await callInThreadPool('copy_file_range', input, null, output, null, count, 0));
}
