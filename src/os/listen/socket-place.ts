import { AF_INET, AF_INET6, AF_UNIX, SO_ACCEPTCONN, SO_TYPE, SOCK_STREAM, SOL_SOCKET } from '../constants.ts';
import { libc } from '../libc.ts';

/** Where a socket listens: at an address of IP, or at a path or abstract name ('@name') of this machine. */
export type SocketPlace = { readonly host: string; readonly port: number } | { readonly path: string };

const ADDRESS_BYTES = 110;

/**
 * Where a stream socket listens that somebody else has opened (getsockname(2)).
 * @returns undefined for a descriptor that is none, or none that listens, or of another family
 */
export function socketPlace(fd: number): SocketPlace | undefined {
  if (option(fd, SO_ACCEPTCONN) !== 1 || option(fd, SO_TYPE) !== SOCK_STREAM) return undefined;
  const address = Buffer.alloc(ADDRESS_BYTES);
  const length = Int32Array.of(ADDRESS_BYTES);
  if (libc().getsockname(fd, address, new Uint8Array(length.buffer)) === -1) return undefined;
  const family = address.readUInt16LE(0);
  if (family === AF_INET) return { host: address.subarray(4, 8).join('.'), port: address.readUInt16BE(2) };
  if (family === AF_INET6) return { host: ip6(address.subarray(8, 24)), port: address.readUInt16BE(2) };
  return family === AF_UNIX ? { path: pathIn(address.subarray(2, length[0])) } : undefined;
}

/** @returns undefined where `fd` is no socket */
function option(fd: number, name: number): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint8Array(Int32Array.of(4).buffer);
  const bytes = new Uint8Array(value.buffer);
  return libc().getsockopt(fd, SOL_SOCKET, name, bytes, length) === -1 ? undefined : value[0];
}

/** As a URL has it, which writes it in its shortest form. */
function ip6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function pathIn(bytes: Buffer): string {
  const text = bytes.toString();
  return text.startsWith('\0') ? `@${text.slice(1).replace(/\0+$/, '')}` : text.replace(/\0.*$/s, '');
}
