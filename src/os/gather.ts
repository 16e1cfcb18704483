import {
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
  SIOCOUTQ,
  TCP_NOTSENT_LOWAT,
} from './constants.ts';
import { addressOf, libc } from './libc.ts';

/** Pieces that one call takes: the kernel admits 1024, and copies the list of them first. */
const MAX_ENTRIES = 64;
/** In the words of struct msghdr. */
const VECTOR_AT = 2;
const VECTOR_LENGTH_AT = 3;

/**
 * struct iovec: address and length, in words of 32 bits. One ArrayBuffer each: memory of typed arrays on V8's
 * own heap would move.
 */
const vector = new Uint32Array(new ArrayBuffer(16 * MAX_ENTRIES));
const vectorBytes = new Uint8Array(vector.buffer);
/** struct msghdr of 64-bit Linux, in words of 8 bytes. */
const header = new BigUint64Array(new ArrayBuffer(56));
const headerBytes = new Uint8Array(header.buffer);
const HIGH_WORD = 0x1_0000_0000;

/**
 * Sends pieces of memory through a stream socket in one system call, as far as it takes them now, without a
 * copy in this process (sendmsg(2)).
 * @param first index of the piece to begin with
 * @param offset in that piece
 * @param limit most bytes to send
 * @returns how many bytes it took: 0 when it is full, and when it failed, of which the next write through
 *   Node's socket tells
 */
export function sendGathered(
  socket: number,
  pieces: readonly Uint8Array[],
  first = 0,
  offset = 0,
  limit = Number.POSITIVE_INFINITY,
): number {
  let entries = 0;
  let bytes = 0;
  for (let index = first; index < pieces.length && entries < MAX_ENTRIES && bytes < limit; index++) {
    const piece = pieces[index] as Uint8Array;
    const skipped = index === first ? offset : 0;
    const address = Number(addressOf(piece)) + skipped;
    const length = Math.min(piece.length - skipped, limit - bytes);
    vector[4 * entries] = address;
    vector[4 * entries + 1] = address / HIGH_WORD;
    vector[4 * entries + 2] = length;
    vector[4 * entries + 3] = length / HIGH_WORD;
    bytes += length;
    entries += 1;
  }
  header[VECTOR_AT] = addressOf(vectorBytes);
  header[VECTOR_LENGTH_AT] = BigInt(entries);
  const sent = libc().sendmsg(socket, headerBytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent === -1 ? 0 : sent;
}

/**
 * Runs of memory that are sent one behind the other, named by their addresses: what is sent many thousand
 * times a second is not to be looked up, nor put together before.
 */
export class MemoryRuns {
  readonly #vector: Uint32Array;
  readonly #addresses: Float64Array;
  #size = 0;
  readonly #header = new BigUint64Array(new ArrayBuffer(56));
  readonly #headerBytes = new Uint8Array(this.#header.buffer);

  /** @param count of runs @throws ERR_IOLITE_UNSUPPORTED */
  constructor(count: number) {
    this.#addresses = new Float64Array(count);
    this.#vector = new Uint32Array(new ArrayBuffer(16 * count));
    this.#header[VECTOR_AT] = addressOf(new Uint8Array(this.#vector.buffer));
    this.#header[VECTOR_LENGTH_AT] = BigInt(count);
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** @param length in bytes; all of them below 4 GiB; may be 0 */
  set(index: number, address: number, length: number): void {
    this.#size += length - (this.#vector[4 * index + 2] as number);
    this.#addresses[index] = address;
    this.#vector[4 * index] = address;
    this.#vector[4 * index + 1] = address / HIGH_WORD;
    this.#vector[4 * index + 2] = length;
  }

  /**
   * Copies what they begin with. The memory must be there.
   * @returns how many bytes: all that there are, or that there is room for
   */
  copyTo(room: Uint8Array): number {
    let at = 0;
    for (let index = 0; index < this.#addresses.length && at < room.length; index++) {
      const length = Math.min(this.#vector[4 * index + 2] as number, room.length - at);
      const into = at === 0 ? room : room.subarray(at);
      if (length > 0) libc().memcpy(into, this.#addresses[index] as number, length);
      at += length;
    }
    return at;
  }

  /** Where the last `count` bytes of the last of them lie. */
  addressOfLast(count: number): number {
    const last = this.#addresses.length - 1;
    return (this.#addresses[last] as number) + (this.#vector[4 * last + 2] as number) - count;
  }

  /**
   * Sends them through a stream socket as far as it takes them now (sendmsg(2)). The memory must be there.
   * @returns as {@link sendGathered}
   */
  send(socket: number): number {
    const sent = libc().sendmsg(socket, this.#headerBytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent === -1 ? 0 : sent;
  }

  /** As {@link send}, the first of them only, where more follows at once (MSG_MORE, send(2)). */
  sendAhead(socket: number, count: number): number {
    this.#header[VECTOR_LENGTH_AT] = BigInt(count);
    const sent = libc().sendmsg(socket, this.#headerBytes, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
    this.#header[VECTOR_LENGTH_AT] = BigInt(this.#addresses.length);
    return sent === -1 ? 0 : sent;
  }

  /** A copy of the first of them. @param count default: all */
  copy(count = this.#addresses.length): Buffer {
    const lengths = Array.from({ length: count }, (_, index) => this.#vector[4 * index + 2] as number);
    const copy = Buffer.allocUnsafeSlow(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const [index, length] of lengths.entries()) {
      if (length > 0) libc().memcpy(copy.subarray(at, at + length), this.#addresses[index] as number, length);
      at += length;
    }
    return copy;
  }
}

const queued = new Int32Array(new ArrayBuffer(4));
const queuedBytes = new Uint8Array(queued.buffer);

/**
 * Bytes that the peer of a TCP socket has not been given yet (SIOCOUTQ, tcp(7)). Infinity where that is not
 * known.
 */
export function bytesQueued(socket: number): number {
  const isKnown = libc().ioctl(socket, SIOCOUTQ, queuedBytes) === 0;
  return isKnown ? (queued[0] as number) : Number.POSITIVE_INFINITY;
}

/**
 * Bounds the bytes that wait in a TCP socket without having been sent: it counts as full from there on,
 * whatever its buffer has room for (TCP_NOTSENT_LOWAT). No effect on other sockets.
 */
export function boundUnsent(socket: number, bytes: number): void {
  libc().setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, new Uint8Array(Uint32Array.of(bytes).buffer), 4);
}
