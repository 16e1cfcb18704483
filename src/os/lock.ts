import { SystemError } from '../base/error.ts';
import { EACCES, EAGAIN, F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK } from './constants.ts';
import { closeDescriptor, reopenReadOnly } from './descriptor.ts';
import { lastErrno, libc } from './libc.ts';

/**
 * Open-file-description locks on whole files (fcntl(2)). They belong to the description, so the kernel drops
 * them when the last descriptor of it is closed, however its holder died. One lock costs about 1.4 us.
 */

/** struct flock of 64-bit Linux: l_type at 0, l_whence at 2, l_start at 8, l_len at 16, l_pid at 24. */
const flock = new Int16Array(16);
const flockBytes = new Uint8Array(flock.buffer);

/** Each of these calls, asking and unlocking too, takes memory of the kernel's: ENOLCK where it has none. */
function call(fd: number, command: number, type: number): boolean {
  flock.fill(0);
  flock[0] = type;
  return libc().fcntlLock(fd, command, flockBytes) !== -1;
}

/**
 * Takes a read lock without waiting.
 * @returns false while another description holds the write lock
 * @throws SystemError: ENOLCK, ENOMEM
 */
export function tryLockShared(fd: number): boolean {
  if (call(fd, F_OFD_SETLK, F_RDLCK)) return true;
  const errno = lastErrno();
  if (errno === EAGAIN || errno === EACCES) return false;
  throw new SystemError('fcntl', errno, 'Cannot lock a chunk');
}

/**
 * Takes the write lock without waiting.
 * @returns false while another description holds any lock, or where the kernel cannot say
 */
export function tryLockExclusive(fd: number): boolean {
  return call(fd, F_OFD_SETLK, F_WRLCK);
}

/** Drops the lock of this description, if it holds one. @returns false where it stands: try again later */
export function unlock(fd: number): boolean {
  return call(fd, F_OFD_SETLK, F_UNLCK);
}

/**
 * Whether another description holds a lock that would refuse us the write lock, which is what is to be
 * thought where the kernel cannot say. Takes none.
 */
export function isLockedElsewhere(fd: number): boolean {
  return !call(fd, F_OFD_GETLK, F_WRLCK) || flock[0] !== F_UNLCK;
}

/**
 * As {@link reopenReadOnly}, with a read lock if none forbids it: a lease that is to go to another domain.
 * @throws as that, and {@link tryLockShared}
 */
export function reopenLocked(fd: number): number {
  const reopened = reopenReadOnly(fd);
  try {
    tryLockShared(reopened);
    return reopened;
  } catch (error) {
    closeDescriptor(reopened);
    throw error;
  }
}
