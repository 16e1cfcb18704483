import { SystemError } from '../base/error.ts';
import { AF_UNIX, ENAMETOOLONG } from './constants.ts';
import { checked, libc } from './libc.ts';

/**
 * Addresses of Unix sockets (unix(7)): struct sockaddr_un, the family and 108 bytes of path. A path begins
 * with any byte but NUL. An abstract name begins with NUL, and every byte up to the length given belongs to
 * it: here always all 108, filled up with NULs, as Node 20 has it.
 */
/** What stands for the address of a client on a Unix socket, which has none that says anything. */
export const UNIX_PEER = 'unix:';

/**
 * The path in `unix:<path>`, '@' and a name for an abstract one.
 * @returns undefined where a text is no such address
 */
export function unixPathOf(text: string): string | undefined {
  const path = text.startsWith(UNIX_PEER) ? text.slice(UNIX_PEER.length) : '';
  return path === '' || path === '@' || path.includes('\0') ? undefined : path;
}

const PATH_AT = 2;
const PATH_BYTES = 108;

/**
 * The sockaddr_un of a path, or of an abstract name, which begins with '@' here. @throws SystemError:
 * ENAMETOOLONG
 */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  const isAbstract = path.startsWith('@');
  // A path ends with a NUL, for all who read it as a string.
  if (name.length > (isAbstract ? PATH_BYTES : PATH_BYTES - 1)) {
    throw new SystemError('bind', ENAMETOOLONG, `Cannot use a socket path of ${name.length} bytes`);
  }
  const address = Buffer.alloc(PATH_AT + PATH_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, PATH_AT);
  if (isAbstract) address[PATH_AT] = 0;
  return address;
}

/** The same address as Node's net wants it. @throws SystemError: ENAMETOOLONG */
export function nodePath(path: string): string {
  const address = unixAddress(path);
  return path.startsWith('@') ? address.toString('utf8', PATH_AT) : path;
}

/** The address that the other end of a connection is bound to: a path, '@' and a name, or '' for none. */
export function peerAddress(fd: number): string {
  const address = Buffer.alloc(PATH_AT + PATH_BYTES);
  const length = new Uint8Array(Int32Array.of(address.length).buffer);
  checked(libc().getpeername(fd, address, length), 'getpeername', 'Cannot tell the address of a peer');
  const end = new Int32Array(length.buffer)[0] as number;
  const text = address.toString('latin1', PATH_AT, Math.max(PATH_AT, Math.min(end, address.length)));
  const isAbstract = text.startsWith('\0');
  const name = text.replace(/\0+$/, '');
  return isAbstract ? `@${name.slice(1)}` : name;
}
