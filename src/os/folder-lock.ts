import { closeSync, constants, openSync } from 'node:fs';
import { systemError } from '../base/error.ts';
import { tryFlock } from './flock.ts';

/**
 * Takes a folder's advisory lock (flock(2)) without waiting. It orders those who create and replace files
 * there; it keeps nobody else from doing so. The kernel drops it with its holder.
 * @returns what drops it, or undefined while another holds it
 * @throws SystemError: ENOENT, ENOTDIR, EACCES
 */
export function tryLockFolder(path: string): (() => void) | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw systemError(cause, `Cannot lock folder ${path}`);
  }
  let locked = false;
  try {
    locked = tryFlock(fd);
  } finally {
    if (!locked) closeSync(fd);
  }
  return locked ? () => closeSync(fd) : undefined;
}
