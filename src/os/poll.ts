import { SystemError } from '../base/error.ts';
import { EINTR, POLLIN, POLLOUT, POLLRDHUP } from './constants.ts';
import { lastErrno, libc } from './libc.ts';

/**
 * Blocks the whole process until a descriptor can be read or written, or has ended or failed (poll(2)). For
 * command-line tools whose standard streams somebody else has made non-blocking.
 * @throws SystemError
 */
export function waitUntilReady(fd: number, what: 'read' | 'write'): void {
  // struct pollfd: fd at 0, events at 4, revents at 6.
  const entry = new Int32Array([fd, what === 'read' ? POLLIN : POLLOUT]);
  const bytes = new Uint8Array(entry.buffer);
  while (libc().poll(bytes, 1, -1) === -1) {
    const errno = lastErrno();
    if (errno !== EINTR) throw new SystemError('poll', errno, `Cannot wait for descriptor ${fd}`);
  }
}

/** Whether the peer of a socket has ended its side, or is gone, though bytes of it may still be to read. */
export function hasHungUp(fd: number): boolean {
  const bytes = new Uint8Array(new Int32Array([fd, POLLRDHUP]).buffer);
  // Anything that it says: errors are said unasked.
  return libc().poll(bytes, 1, 0) === 1;
}
