import { AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM } from './constants.ts';
import { closeDescriptor } from './descriptor.ts';
import { checked, libc } from './libc.ts';
import { unixAddress } from './unix-address.ts';

/**
 * Sends one datagram to a Unix socket without waiting, from a socket without a name, as libsystemd does
 * (sd_notify(3)). The kernel tells the receiver which process sends.
 * @param path of the receiver; '@name' for an abstract one
 * @throws SystemError: ENOENT, ECONNREFUSED, EACCES, ENAMETOOLONG, EMSGSIZE, EAGAIN when it has no room
 */
export function sendDatagram(path: string, text: string): void {
  const attempted = `Cannot send to ${path}`;
  const fd = checked(libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket', attempted);
  try {
    // An abstract name is as long as it is: here it is somebody else's, and not filled up.
    const address = unixAddress(path).subarray(
      0,
      2 + Buffer.byteLength(path) + (path.startsWith('@') ? 0 : 1),
    );
    checked(libc().connect(fd, address, address.length), 'connect', attempted);
    const bytes = Buffer.from(text);
    checked(libc().send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL), 'send', attempted);
  } finally {
    closeDescriptor(fd);
  }
}
