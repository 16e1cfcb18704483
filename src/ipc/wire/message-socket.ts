import { Socket } from 'node:net';
import { endReading, sendToPeer } from '../../os/socket.ts';

/** Most bytes read at once. */
const READ_BYTES = 64 * 1024;

/** What a {@link MessageSocket} tells its channel. */
export interface MessageSocketListener {
  /** Bytes came, valid during the call only. */
  received(bytes: Buffer): void;
  /** There is room again, after {@link MessageSocket.write} said that there was none. */
  drained(): void;
  /** It failed. */
  failed(cause: Error): void;
  /** The peer ended it, or it is closed. May be told more than once. */
  ended(): void;
}

/**
 * The stream socket that a channel's frames go through. Reading is Node's event loop's, into one buffer.
 * Writing is a system call of our own as long as nothing waits in Node's socket: a third of what passing
 * through the stream costs.
 */
export class MessageSocket {
  readonly #socket: Socket;
  readonly #fd: number;
  /** Whether nobody reads any more. What came before is read to its end all the same. */
  #isBroken = false;

  /** @param fd a connected stream socket, taken over */
  constructor(fd: number, listener: MessageSocketListener) {
    this.#socket = readInto(fd, bytes => listener.received(bytes));
    this.#fd = fd;
    this.#socket.on('drain', () => listener.drained());
    this.#socket.on('error', cause => listener.failed(cause));
    this.#socket.on('end', () => listener.ended());
    this.#socket.on('close', () => listener.ended());
    this.#socket.resume();
  }

  /** Whether what was written waits for the peer to read. */
  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /**
   * Writes bytes, which are not to be changed any more.
   * @returns false when no more should be written before `drained`
   */
  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    // Once destroyed, the descriptor may be another one's.
    if (socket.destroyed || socket.writableLength > 0) return socket.write(bytes);
    const sent = this.#isBroken ? -1 : sendToPeer(this.#fd, bytes);
    if (sent === -1) {
      // Node's socket would drop what it has not read.
      this.#isBroken = true;
      return true;
    }
    return sent === bytes.length || socket.write(bytes.subarray(sent));
  }

  /** Reads nothing until {@link resume}. Does not keep the process alive meanwhile. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Takes no more from the peer: what it has sent is read, and then it has ended. */
  endReading(): void {
    // Once destroyed, the descriptor may be another one's.
    if (!this.#socket.destroyed) endReading(this.#fd);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}

/**
 * A socket over a descriptor, which it takes over, that reads into one buffer: to make one for each read
 * costs more than the reading. `received` is to be done with the bytes when it returns.
 */
function readInto(fd: number, received: (bytes: Buffer) => void): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (count: number): boolean => {
    received(buffer.subarray(0, count));
    return true;
  };
  const options = { fd, readable: true, writable: true, onread: { buffer, callback } };
  return new Socket(options);
}
