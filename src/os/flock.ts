import { SystemError } from '../base/error.ts';
import { EAGAIN, EINTR, LOCK_EX, LOCK_NB, LOCK_UN } from './constants.ts';
import { checked, lastErrno, libc } from './libc.ts';

/**
 * Takes the advisory lock of an open file or folder (flock(2)) without waiting. It belongs to the open file
 * description: the kernel drops it with the last descriptor of that, however its holder died.
 * @returns false while another description holds it
 * @throws SystemError: EBADF, ENOLCK
 */
export function tryFlock(fd: number): boolean {
  for (;;) {
    if (libc().flock(fd, LOCK_EX | LOCK_NB) !== -1) return true;
    const errno = lastErrno();
    if (errno === EAGAIN) return false;
    if (errno !== EINTR) throw new SystemError('flock', errno, 'Cannot lock a file');
  }
}

/** Drops the lock of {@link tryFlock}. @throws SystemError: EBADF */
export function dropFlock(fd: number): void {
  checked(libc().flock(fd, LOCK_UN), 'flock', 'Cannot unlock a file');
}
