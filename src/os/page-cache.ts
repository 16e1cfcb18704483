import { SystemError } from '../base/error.ts';
import { POSIX_FADV_DONTNEED } from './constants.ts';
import { libc } from './libc.ts';

/**
 * Lets the kernel drop a file's clean pages from its page cache (posix_fadvise(2)): what was read into
 * buffers of ours need not be kept a second time.
 * @param length of the range from `offset` on, in bytes; 0: up to the file's end
 * @throws SystemError
 */
export function dropPageCache(fd: number, offset = 0, length = 0): void {
  const errno = libc().posix_fadvise(fd, offset, length, POSIX_FADV_DONTNEED);
  if (errno !== 0) throw new SystemError('posix_fadvise', errno, 'Cannot drop a file from the page cache');
}
