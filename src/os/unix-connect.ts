import { SystemError } from '../base/error.ts';
import { AF_UNIX, EADDRINUSE, EAGAIN, EINTR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './constants.ts';
import { closeDescriptor } from './descriptor.ts';
import { checked, lastErrno, libc } from './libc.ts';
import { unixAddress } from './unix-address.ts';

/**
 * Connects a stream socket to a listening one, without waiting: on Unix sockets a connection is there, or is
 * refused, when connect(2) returns.
 * @param path of the listener; '@name' for an abstract one
 * @param own abstract name that this end is bound to first, which the listener can read
 * @returns a descriptor, non-blocking, closed on exec; undefined when too many connections wait there just
 *   now
 * @throws SystemError: ENOENT, ECONNREFUSED, EACCES, ENOTDIR, ENAMETOOLONG, EADDRINUSE (of `own`), EMFILE
 */
export function connectUnix(path: string, own?: string): number | undefined {
  const address = unixAddress(path);
  const attempted = `Cannot connect to ${path}`;
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = checked(libc().socket(AF_UNIX, type, 0), 'socket', attempted);
  try {
    if (own !== undefined) {
      const name = unixAddress(own);
      checked(libc().bind(fd, name, name.length), 'bind', attempted);
    }
    for (;;) {
      if (libc().connect(fd, address, address.length) !== -1) return fd;
      const errno = lastErrno();
      if (errno === EAGAIN) break;
      if (errno !== EINTR) throw new SystemError('connect', errno, attempted);
    }
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  closeDescriptor(fd);
  return undefined;
}

/** The error of an address that somebody listens on. */
export function addressInUse(path: string): SystemError {
  return new SystemError('bind', EADDRINUSE, `Cannot listen on ${path}`);
}
