import { isIPv4, isIPv6 } from 'node:net';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../constants.ts';
import { closeDescriptor } from '../descriptor.ts';
import { checked, libc } from '../libc.ts';

/** Several listening sockets of one address, among which the kernel divides the connections. */
export interface Listeners {
  /** Non-blocking, closed on exec. The caller closes them. */
  readonly fds: number[];
  /** The port they listen on, the kernel's choice where 0 was wanted. */
  readonly port: number;
  readonly host: string;
}

/** Connections that may wait at each socket, as far as the kernel has no lower bound. */
const BACKLOG_CONNECTIONS = 65_535;
const MAX_LISTENERS = 1024;

/**
 * Opens `count` sockets that listen on the same address with SO_REUSEPORT (socket(7)): the kernel gives each
 * connection to one of them by a hash of its addresses (ip(7), ipv6(7), bind(2), listen(2)).
 *
 * SO_REUSEPORT would let us join the sockets of another server of the same user, and take half of its
 * connections. So the first socket is bound without it, which fails if anybody has the port, and gets the
 * option afterwards.
 * @param host an IPv4 or IPv6 address without a zone; '::' takes IPv4 connections too
 * @param port 0 for any that is free
 * @throws SystemError: EADDRINUSE, EACCES (a port below 1024), EADDRNOTAVAIL (not an address of ours),
 *   EMFILE; ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE. Leaves nothing open then.
 */
export function openListeners(host: string, port: number, count: number): Listeners {
  checkInteger(port, 'port', 0, 65535);
  checkInteger(count, 'count', 1, MAX_LISTENERS);
  const address = socketAddress(host, port);
  const fds: number[] = [];
  try {
    const first = openSocket(address);
    fds.push(first);
    bind(first, address, host, port);
    setOption(first, SOL_SOCKET, SO_REUSEPORT);
    const actual = boundPort(first);
    listen(first, host, actual);
    const group = socketAddress(host, actual);
    while (fds.length < count) {
      const fd = openSocket(group);
      fds.push(fd);
      setOption(fd, SOL_SOCKET, SO_REUSEPORT);
      bind(fd, group, host, actual);
      listen(fd, host, actual);
    }
    return { fds, port: actual, host };
  } catch (error) {
    for (const fd of fds) closeDescriptor(fd);
    throw error;
  }
}

function openSocket(address: Buffer): number {
  const family = address.readUInt16LE(0);
  const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const fd = checked(libc().socket(family, type, 0), 'socket', 'Cannot open a socket');
  try {
    // Connections of a server before us that are in TIME_WAIT do not keep the port.
    setOption(fd, SOL_SOCKET, SO_REUSEADDR);
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function setOption(fd: number, level: number, name: number, value = 1): void {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  const attempted = 'Cannot set an option of a socket';
  checked(libc().setsockopt(fd, level, name, bytes, bytes.length), 'setsockopt', attempted);
}

function bind(fd: number, address: Buffer, host: string, port: number): void {
  checked(libc().bind(fd, address, address.length), 'bind', `Cannot listen on ${host} port ${port}`);
}

function listen(fd: number, host: string, port: number): void {
  checked(libc().listen(fd, BACKLOG_CONNECTIONS), 'listen', `Cannot listen on ${host} port ${port}`);
}

function boundPort(fd: number): number {
  const address = Buffer.alloc(28);
  const length = new Uint8Array(Int32Array.of(address.length).buffer);
  checked(libc().getsockname(fd, address, length), 'getsockname', 'Cannot tell the port of a socket');
  return address.readUInt16BE(2);
}

/** struct sockaddr_in or sockaddr_in6: the family in the host's order, port and address in the network's. */
function socketAddress(host: string, port: number): Buffer {
  if (isIPv4(host)) {
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.writeUInt16BE(port, 2);
    address.set(host.split('.').map(Number), 4);
    return address;
  }
  if (isIPv6(host) && !host.includes('%')) {
    const address = Buffer.alloc(28);
    address.writeUInt16LE(AF_INET6, 0);
    address.writeUInt16BE(port, 2);
    groupsOf(host).forEach((group, position) => {
      address.writeUInt16BE(group, 8 + 2 * position);
    });
    return address;
  }
  throw new ArgumentError(`Cannot listen: an IPv4 or IPv6 address is wanted, ${describe(host)} was given`);
}

/** The eight groups of an IPv6 address. */
function groupsOf(host: string): number[] {
  // URL writes all of them in hexadecimal, an embedded IPv4 address included.
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [left = [], right = []] = canonical.split('::').map(half => half.split(':').filter(Boolean));
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map(group => Number.parseInt(group, 16));
}
