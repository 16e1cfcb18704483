import { closeSync, constants, openSync } from 'node:fs';
import { EAGAIN, EINTR, LOCK_EX, LOCK_NB } from './constants.ts';
import { SystemError, systemError } from './error.ts';
import { lastErrno, libc } from './libc.ts';

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
  for (;;) {
    if (libc().flock(fd, LOCK_EX | LOCK_NB) !== -1) return () => closeSync(fd);
    const errno = lastErrno();
    if (errno === EINTR) continue;
    closeSync(fd);
    if (errno === EAGAIN) return undefined;
    throw new SystemError('flock', errno, `Cannot lock folder ${path}`);
  }
}
