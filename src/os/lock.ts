import { SystemError } from '../base/error.ts';
import { EACCES, EAGAIN, F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK } from './constants.ts';
import { checked, lastErrno, libc } from './libc.ts';

/**
 * Open-file-description locks on whole files (fcntl(2)). They belong to the description, so the kernel drops
 * them when the last descriptor of it is closed, however its holder died. One lock costs about 1.4 us.
 */

/** struct flock of 64-bit Linux: l_type at 0, l_whence at 2, l_start at 8, l_len at 16, l_pid at 24. */
const flock = new Int16Array(16);
const flockBytes = new Uint8Array(flock.buffer);

function tryLock(fd: number, type: number): boolean {
  flock.fill(0);
  flock[0] = type;
  if (libc().fcntlLock(fd, F_OFD_SETLK, flockBytes) !== -1) return true;
  const errno = lastErrno();
  if (errno === EAGAIN || errno === EACCES) return false;
  throw new SystemError('fcntl', errno, 'Cannot lock a chunk');
}

/** Takes a read lock without waiting. @returns false while another description holds the write lock. */
export function tryLockShared(fd: number): boolean {
  return tryLock(fd, F_RDLCK);
}

/** Takes the write lock without waiting. @returns false while another description holds any lock. */
export function tryLockExclusive(fd: number): boolean {
  return tryLock(fd, F_WRLCK);
}

/** Drops the lock of this description, if it holds one. */
export function unlock(fd: number): void {
  tryLock(fd, F_UNLCK);
}

/** Whether another description holds a lock that would refuse us the write lock. Takes none. */
export function isLockedElsewhere(fd: number): boolean {
  flock.fill(0);
  flock[0] = F_WRLCK;
  checked(libc().fcntlLock(fd, F_OFD_GETLK, flockBytes), 'fcntl', 'Cannot query the lock of a chunk');
  return flock[0] !== F_UNLCK;
}
