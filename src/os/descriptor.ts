import { F_DUPFD_CLOEXEC, F_SETFD, FD_CLOEXEC, O_CLOEXEC, O_RDONLY } from './constants.ts';
import { descriptorOwners, THREAD } from './ledger.ts';
import { checked, libc } from './libc.ts';

/** Closes a descriptor. Errors are ignored: on Linux the descriptor is gone whatever close(2) answers. */
export function closeDescriptor(fd: number): void {
  const { close } = libc();
  if (descriptorOwners !== undefined) descriptorOwners[fd] = 0;
  close(fd);
}

/**
 * Opens the file behind `fd` again, read-only: an open file description of its own, with offset, locks and
 * access mode of its own. Works for memfds of other processes too.
 * @throws SystemError, e.g. EMFILE
 */
export function reopenReadOnly(fd: number): number {
  const attempted = `Cannot reopen descriptor ${fd} read-only`;
  const { open } = libc();
  const opened = open(`/proc/self/fd/${fd}`, O_RDONLY | O_CLOEXEC, 0);
  if (descriptorOwners !== undefined) descriptorOwners[opened] = THREAD;
  return checked(opened, 'open', attempted);
}

/**
 * Another descriptor of the same open file description, closed on exec. The caller closes it. @throws
 * SystemError: EMFILE
 */
export function duplicateDescriptor(fd: number): number {
  const attempted = `Cannot duplicate descriptor ${fd}`;
  return checked(libc().fcntl(fd, F_DUPFD_CLOEXEC, 0), 'fcntl', attempted);
}

/** Keeps a descriptor that was inherited from being inherited further. @throws SystemError: EBADF */
export function closeOnExec(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl', `Cannot mark descriptor ${fd} close-on-exec`);
}

/** Lets a program that this process becomes have a descriptor (execve(2)). */
export function keepOnExec(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, 0), 'fcntl', `Cannot pass descriptor ${fd} on`);
}

/** Notes a descriptor that this thread took over, to be closed should the thread be terminated. */
export function noteDescriptor(fd: number): void {
  if (descriptorOwners !== undefined) descriptorOwners[fd] = THREAD;
}
