import { POSIX_FADV_DONTNEED } from './constants.ts';
import { SystemError } from './error.ts';
import { libc } from './libc.ts';

/**
 * Lets the kernel drop a file's clean pages from its page cache (posix_fadvise(2)): what was read into
 * buffers of ours need not be kept a second time.
 * @throws SystemError
 */
export function dropPageCache(fd: number): void {
  const errno = libc().posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (errno !== 0) throw new SystemError('posix_fadvise', errno, 'Cannot drop a file from the page cache');
}
