import { SystemError } from '../base/error.ts';
import { EAGAIN, EINTR } from './constants.ts';
import { lastErrno, libc } from './libc.ts';

const offsetCell = new BigInt64Array(1);
const offsetBytes = new Uint8Array(offsetCell.buffer);

/**
 * Sends bytes of a file to a socket without copying them to user space (sendfile(2)). From a memfd the socket
 * refers to the memory itself: correct because immutable buffers are not changed while they wait.
 * @param offset in the file, in bytes
 * @returns how many bytes the socket took, 0 at the end of the file; undefined when it takes none just now
 * @throws SystemError: EPIPE, ECONNRESET
 */
export function sendFromFile(socket: number, fd: number, offset: number, count: number): number | undefined {
  for (;;) {
    offsetCell[0] = BigInt(offset);
    const sent = libc().sendfile(socket, fd, offsetBytes, count);
    if (sent !== -1) return sent;
    const errno = lastErrno();
    if (errno === EAGAIN) return undefined;
    if (errno !== EINTR) throw new SystemError('sendfile', errno, `Cannot send ${count} bytes of a file`);
  }
}
