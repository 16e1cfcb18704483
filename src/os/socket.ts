import { fstatSync } from 'node:fs';
import { SystemError } from '../base/error.ts';
import {
  AF_UNIX,
  EAGAIN,
  ECONNRESET,
  EINTR,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_PEEK,
  SCM_RIGHTS,
  SHUT_WR,
  SO_PEERCRED,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts';
import { closeDescriptor } from './descriptor.ts';
import { descriptorOwners, THREAD } from './ledger.ts';
import { addressOf, checked, lastErrno, libc } from './libc.ts';

/**
 * Unix sockets and the passing of descriptors through them (unix(7), SCM_RIGHTS).
 *
 * sendmsg and recvmsg share one statically laid out struct msghdr: an I/O vector of one element and a control
 * buffer with room for one descriptor. Both calls are made without waiting and return before the next begins.
 */

const DATA_BYTES = 64;
/**
 * struct cmsghdr (16) and an int, aligned to 8. Room for a few more, to notice and close what is too much.
 */
const CONTROL_BYTES = 16 + 8 * 4;

/** One ArrayBuffer each: memory of typed arrays on V8's own heap would move. */
const data = Buffer.from(new ArrayBuffer(DATA_BYTES));
const control = Buffer.from(new ArrayBuffer(CONTROL_BYTES));
const vector = Buffer.from(new ArrayBuffer(16));
const header = Buffer.from(new ArrayBuffer(56));
/** The same memory in words, to be read without a call: see ledger.ts. */
const controlWords = new Int32Array(control.buffer);
const headerWords = new Int32Array(header.buffer);
let laidOut = false;

const CMSG_DATA_AT = 16;
const AT = { vector: 16, vectorLength: 24, control: 32, controlLength: 40, flags: 48 } as const;

function layOut(dataLength: number, controlLength: number): void {
  if (!laidOut) {
    vector.writeBigUInt64LE(addressOf(data), 0);
    header.writeBigUInt64LE(addressOf(vector), AT.vector);
    header.writeBigUInt64LE(1n, AT.vectorLength);
    header.writeBigUInt64LE(addressOf(control), AT.control);
    laidOut = true;
  }
  vector.writeBigUInt64LE(BigInt(dataLength), 8);
  header.writeBigUInt64LE(BigInt(controlLength), AT.controlLength);
  header.writeInt32LE(0, AT.flags);
}

/** A pair of connected Unix sockets, closed on exec. @throws SystemError: EMFILE */
export function socketPair(type: 'stream' | 'seqpacket'): [number, number] {
  const fds = new Int32Array(2);
  const kind = (type === 'stream' ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC;
  const bytes = new Uint8Array(fds.buffer);
  checked(libc().socketpair(AF_UNIX, kind, 0, bytes), 'socketpair', 'Cannot make a pair of sockets');
  return [fds[0] as number, fds[1] as number];
}

/** What tells an open socket from every other, or undefined when `fd` is none. */
export function socketInode(fd: number): bigint | undefined {
  try {
    const stat = fstatSync(fd, { bigint: true });
    return stat.isSocket() ? stat.ino : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Process, user and group of a Unix socket's other end when it was connected, as the kernel recorded them.
 */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const credentials = new Int32Array(3);
  const length = new Uint8Array(Int32Array.of(12).buffer);
  const bytes = new Uint8Array(credentials.buffer);
  const attempted = 'Cannot read the credentials of a peer';
  checked(libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes, length), 'getsockopt', attempted);
  const [pid = 0, uid = 0, gid = 0] = credentials;
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

/**
 * Sends a descriptor with a few bytes that say what it is, without waiting. The descriptor stays open here.
 * @param note 1 to 64 bytes
 * @returns false when the socket is full: try again after the peer has read
 * @throws SystemError: EPIPE, ECONNRESET when the peer is gone, ETOOMANYREFS when too many are in flight
 */
export function sendDescriptor(socket: number, note: Uint8Array, fd: number): boolean {
  data.set(note);
  control.writeBigUInt64LE(BigInt(CMSG_DATA_AT + 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, CMSG_DATA_AT);
  layOut(note.length, CMSG_DATA_AT + 8);
  for (;;) {
    if (libc().sendmsg(socket, header, MSG_DONTWAIT | MSG_NOSIGNAL) !== -1) return true;
    const errno = lastErrno();
    if (errno === EAGAIN) return false;
    if (errno !== EINTR) throw new SystemError('sendmsg', errno, 'Cannot send a descriptor');
  }
}

/**
 * Sends bytes through a stream socket as far as it takes them now, without a copy in this process (send(2)).
 * @param length how many of them, from the first on
 * @returns how many it took: 0 when it is full, and when it failed, of which whoever reads from it is told
 */
export function sendNow(socket: number, bytes: Uint8Array, length = bytes.length): number {
  const sent = libc().send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent === -1 ? 0 : sent;
}

/** As {@link sendNow}, where more follows at once: it may leave with that (MSG_MORE, send(2)). */
export function sendAhead(socket: number, bytes: Uint8Array, length = bytes.length): number {
  const sent = libc().send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
  return sent === -1 ? 0 : sent;
}

/**
 * Reads what is there, without waiting (recv(2)).
 * @returns how many bytes: 0 when there are none, at the end, and when it failed, which whoever reads next is
 *   told
 */
export function receiveNow(socket: number, room: Uint8Array): number {
  const received = libc().recv(socket, room, room.length, MSG_DONTWAIT);
  return received === -1 ? 0 : received;
}

/** Whether nothing more comes: the peer has ended its side, or the connection has failed. */
export function hasEnded(socket: number): boolean {
  const received = libc().recv(socket, data, 1, MSG_DONTWAIT | MSG_PEEK);
  if (received !== -1) return received === 0;
  const errno = lastErrno();
  return errno !== EAGAIN && errno !== EINTR;
}

/** Ends our side of a connection: the peer reads to its end what was sent (shutdown(2)). */
export function endSending(socket: number): void {
  libc().shutdown(socket, SHUT_WR);
}

/** What {@link receiveDescriptor} found. */
export interface ReceivedDescriptor {
  /** Closed on exec; the caller closes it. */
  readonly fd: number;
  /** A copy of the bytes that came with it. */
  readonly note: Buffer;
}

/**
 * Takes the next descriptor from a socket, without waiting.
 * @returns undefined when none is there, 'ended' when the peer is gone, 'malformed' when what came was not
 * exactly one descriptor with its note (everything that did come is closed)
 */
export function receiveDescriptor(socket: number): ReceivedDescriptor | 'ended' | 'malformed' | undefined {
  layOut(DATA_BYTES, CONTROL_BYTES);
  const { recvmsg } = libc();
  let count: number;
  for (;;) {
    count = recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count !== -1) {
      if (
        descriptorOwners !== undefined &&
        (headerWords[AT.controlLength / 4] as number) >= CMSG_DATA_AT + 4 &&
        controlWords[3] === SCM_RIGHTS
      ) {
        descriptorOwners[controlWords[CMSG_DATA_AT / 4] as number] = THREAD;
      }
      break;
    }
    const errno = lastErrno();
    if (errno === EAGAIN) return undefined;
    if (errno === ECONNRESET) return 'ended';
    if (errno !== EINTR) throw new SystemError('recvmsg', errno, 'Cannot receive a descriptor');
  }
  const fds = receivedDescriptors();
  const [fd] = fds;
  if (
    fds.length === 1 &&
    fd !== undefined &&
    count > 0 &&
    (header.readInt32LE(AT.flags) & MSG_CTRUNC) === 0
  ) {
    return { fd, note: Buffer.from(data.subarray(0, count)) };
  }
  for (const extra of fds) closeDescriptor(extra);
  return count === 0 && fds.length === 0 ? 'ended' : 'malformed';
}

function receivedDescriptors(): number[] {
  const controlLength = Number(header.readBigUInt64LE(AT.controlLength));
  if (controlLength < CMSG_DATA_AT + 4) return [];
  if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) return [];
  const end = Math.min(Number(control.readBigUInt64LE(0)), controlLength);
  const fds: number[] = [];
  for (let at = CMSG_DATA_AT; at + 4 <= end; at += 4) fds.push(control.readInt32LE(at));
  return fds;
}
