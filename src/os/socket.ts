import { fstatSync } from 'node:fs';
import { SystemError } from '../base/error.ts';
import {
  AF_UNIX,
  EAGAIN,
  ECONNRESET,
  EINTR,
  EMFILE,
  EPIPE,
  ETOOMANYREFS,
  F_DUPFD_CLOEXEC,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  SCM_PIDFD,
  SCM_RIGHTS,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_PASSRIGHTS,
  SO_PEERCRED,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts';
import { closeDescriptor, closeElsewhere, discardForeign } from './descriptor.ts';
import { type Address, addressOf, checked, lastErrno, libc } from './libc.ts';
import { descriptorOwners } from './thread/ledger.ts';
import { THREAD } from './thread/termination.ts';

/**
 * Unix sockets and the passing of descriptors through them (unix(7), SCM_RIGHTS).
 *
 * sendmsg and recvmsg share one statically laid out struct msghdr: an I/O vector of one element and a control
 * buffer. Both calls are made without waiting and return before the next begins.
 */

const DATA_BYTES = 64;
/** Of what comes with a descriptor. */
const NOTE_BYTES = 4;
/**
 * Room for all that can come at once: 253 descriptors, one of a process, credentials, a label, times. What
 * there is no room for the kernel closes, in this thread.
 */
const CONTROL_BYTES = 8192;

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

/**
 * A pair of connected Unix sockets, closed on exec: for messages, or for packets that bring descriptors.
 * @throws SystemError: EMFILE
 */
export function socketPair(type: 'stream' | 'seqpacket'): [number, number] {
  const fds = new Int32Array(2);
  const isForMessages = type === 'stream';
  const kind = (isForMessages ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC;
  const bytes = new Uint8Array(fds.buffer);
  checked(libc().socketpair(AF_UNIX, kind, 0, bytes), 'socketpair', 'Cannot make a pair of sockets');
  const [near = -1, far = -1] = fds;
  if (isForMessages) for (const fd of [near, far]) refuseDescriptors(fd);
  return [near, far];
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
 * @returns false when the socket is full, or when too many descriptors of this user are in flight, also to
 *   others (ETOOMANYREFS): try again after somebody has read
 * @throws SystemError: EPIPE, ECONNRESET when the peer is gone
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
    if (errno === EAGAIN || errno === ETOOMANYREFS) return false;
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

/** As {@link sendNow}, of memory that lies at an address. */
export function sendFrom(socket: number, address: Address, length: number): number {
  const sent = libc().sendFrom(socket, address, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent === -1 ? 0 : sent;
}

/** As {@link sendNow}, where more follows at once: it may leave with that (MSG_MORE, send(2)). */
export function sendAhead(socket: number, bytes: Uint8Array, length = bytes.length): number {
  const sent = libc().send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
  return sent === -1 ? 0 : sent;
}

/** As {@link sendNow}. @returns -1 when the peer is gone, who may have sent something before */
export function sendToPeer(socket: number, bytes: Uint8Array): number {
  const sent = libc().send(socket, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent !== -1) return sent;
  const errno = lastErrno();
  return errno === EPIPE || errno === ECONNRESET ? -1 : 0;
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

/** What sendDescriptor() throws when there is nobody at the other end any more. */
export function isPeerGone(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ECONNRESET';
}

/** Takes no more from a peer: what it has sent can be read to its end (shutdown(2)). */
export function endReading(socket: number): void {
  libc().shutdown(socket, SHUT_RD);
}

/** Ends our side of a connection: the peer reads to its end what was sent (shutdown(2)). */
export function endSending(socket: number): void {
  libc().shutdown(socket, SHUT_WR);
}

/** What {@link peekDescriptor} found. */
export interface ReceivedDescriptor {
  /** Closed on exec; the caller closes it. */
  readonly fd: number;
  /** A copy of the bytes that came with it: 4, unless the peer broke the protocol. */
  readonly note: Buffer;
}

/** Another try finds descriptors that became free while the first one was made. */
const MAX_PEEKS = 3;

/**
 * Looks at the next descriptor in a socket, without waiting, and leaves it there as well until
 * {@link skipDescriptor}: so none is lost for want of a number, and none is closed by the kernel on our
 * behalf, which would wait for whatever that waits for. Costs one system call, and skipping another one.
 * @returns undefined when none is there, 'ended' when the peer is gone and nothing is left, 'exhausted' when
 *   this process can open no more descriptors, 'malformed' when what came is not one descriptor with a
 *   note of at most 4 bytes. All that did come is closed then, and what cannot be skipped stays in the socket
 * @throws SystemError: ENOMEM, ENOBUFS; it is in the socket still
 */
export function peekDescriptor(
  socket: number,
): ReceivedDescriptor | 'ended' | 'malformed' | 'exhausted' | undefined {
  for (let peeks = 0; peeks < MAX_PEEKS; peeks++) {
    const count = peek(socket);
    if (count === -1) return undefined;
    const flags = header.readInt32LE(AT.flags);
    const { rights, others } = receivedDescriptors();
    const [fd] = rights;
    const isWhole = (flags & (MSG_CTRUNC | MSG_TRUNC)) === 0;
    for (const other of others) closeDescriptor(other);
    if (isWhole && rights.length === 1 && fd !== undefined && count > 0) {
      return { fd, note: Buffer.from(data.subarray(0, count)) };
    }
    for (const extra of rights) discardForeign(extra);
    if (count === 0 && rights.length === 0) return 'ended';
    if ((flags & MSG_CTRUNC) === 0) return 'malformed';
    if (isExhausted(socket)) return 'exhausted';
  }
  return 'malformed';
}

/**
 * Takes what {@link peekDescriptor} found out of the socket; the descriptor that it gave stays open. What is
 * told once of a peer that has left meanwhile takes nothing out.
 */
export function skipDescriptor(socket: number): void {
  for (let isReset = false; libc().recv(socket, data, NOTE_BYTES, MSG_DONTWAIT) === -1; ) {
    const errno = lastErrno();
    if (errno !== EINTR && (errno !== ECONNRESET || isReset)) return;
    isReset ||= errno === ECONNRESET;
  }
}

/** @returns bytes, 0 at the end, -1 when there is nothing */
function peek(socket: number): number {
  const { recvmsg } = libc();
  let isReset = false;
  for (;;) {
    layOut(NOTE_BYTES, CONTROL_BYTES);
    const count = recvmsg(socket, header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count !== -1) {
      if (
        descriptorOwners !== undefined &&
        (headerWords[AT.controlLength / 4] as number) >= CMSG_DATA_AT + 4 &&
        controlWords[3] === SCM_RIGHTS
      ) {
        descriptorOwners[controlWords[CMSG_DATA_AT / 4] as number] = THREAD;
      }
      return count;
    }
    const errno = lastErrno();
    if (errno === EAGAIN) return -1;
    // Told once, of a peer that left with something unread: what it had sent before is there.
    if (errno === ECONNRESET) {
      if (isReset) return 0;
      isReset = true;
    } else if (errno !== EINTR) throw new SystemError('recvmsg', errno, 'Cannot receive a descriptor');
  }
}

/**
 * All descriptors in the control messages: those passed, and those that an option of the socket asks for. Of
 * other messages (credentials, labels, times) there is nothing to be given back.
 */
function receivedDescriptors(): { readonly rights: number[]; readonly others: number[] } {
  const controlLength = Math.min(Number(header.readBigUInt64LE(AT.controlLength)), CONTROL_BYTES);
  const rights: number[] = [];
  const others: number[] = [];
  for (let at = 0; at + CMSG_DATA_AT <= controlLength; ) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < CMSG_DATA_AT) break;
    const kind = control.readInt32LE(at + 8) === SOL_SOCKET ? control.readInt32LE(at + 12) : 0;
    const list = kind === SCM_RIGHTS ? rights : others;
    const end = Math.min(at + length, controlLength);
    if (kind === SCM_RIGHTS || kind === SCM_PIDFD) {
      for (let place = at + CMSG_DATA_AT; place + 4 <= end; place += 4) list.push(control.readInt32LE(place));
    }
    at += Math.ceil(length / 8) * 8;
  }
  return { rights, others };
}

/** Whether this process can open no more descriptors just now. */
function isExhausted(socket: number): boolean {
  const copy = libc().fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (copy === -1) return lastErrno() === EMFILE;
  closeDescriptor(copy);
  return false;
}

/**
 * Keeps others from sending descriptors to a socket, and to those that are accepted of it (SO_PASSRIGHTS,
 * Linux 6.16). Whoever reads it would close them, and wait for whatever that waits for. Older kernels refuse
 * this, and nothing is changed.
 * @returns whether none can come
 */
export function refuseDescriptors(socket: number): boolean {
  return passDescriptors(socket, 0);
}

/** Lets others send descriptors to a socket that was accepted of one that refuses them. */
export function admitDescriptors(socket: number): void {
  passDescriptors(socket, 1);
}

function passDescriptors(socket: number, value: number): boolean {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  return libc().setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, bytes, bytes.length) !== -1;
}

/**
 * Closes a socket that others may send descriptors to, without waiting: those that nobody took go with it,
 * and what they wait for is waited for elsewhere.
 */
export function closeWithDescriptors(socket: number): void {
  const { shutdown, recv } = libc();
  // Nothing comes any more, so what is not there now will not be.
  shutdown(socket, SHUT_RDWR);
  let left = recv(socket, data, 1, MSG_DONTWAIT | MSG_PEEK);
  if (left === -1 && lastErrno() === ECONNRESET) left = recv(socket, data, 1, MSG_DONTWAIT | MSG_PEEK);
  if (left > 0) closeElsewhere(socket);
  else closeDescriptor(socket);
}
