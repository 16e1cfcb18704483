import { F_GETPIPE_SZ } from './constants.ts';
import { checked, libc } from './libc.ts';

/** Most bytes that a pipe holds (pipe(7)). @throws SystemError: EBADF, also for what is no pipe */
export function pipeCapacity(fd: number): number {
  return checked(libc().fcntl(fd, F_GETPIPE_SZ, 0), 'fcntl', 'Cannot tell the capacity of a pipe');
}
