import { F_SETFD, FD_CLOEXEC, O_CLOEXEC, O_RDONLY } from './constants.ts';
import { checked, libc } from './libc.ts';

/** Closes a descriptor. Errors are ignored: on Linux the descriptor is gone whatever close(2) answers. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/**
 * Opens the file behind `fd` again, read-only: an open file description of its own, with offset, locks and
 * access mode of its own. Works for memfds of other processes too.
 * @throws SystemError, e.g. EMFILE
 */
export function reopenReadOnly(fd: number): number {
  const attempted = `Cannot reopen descriptor ${fd} read-only`;
  return checked(libc().open(`/proc/self/fd/${fd}`, O_RDONLY | O_CLOEXEC, 0), 'open', attempted);
}

/** Keeps a descriptor that was inherited from being inherited further. @throws SystemError: EBADF */
export function closeOnExec(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl', `Cannot mark descriptor ${fd} close-on-exec`);
}
