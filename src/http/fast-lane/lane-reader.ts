import { Socket } from 'node:net';
import { duplicateDescriptor } from '../../os/descriptor.ts';
import { startReading, stopReading } from '../../os/node-socket.ts';

/** Who gets what a connection brings. */
export interface ReaderHost {
  /** Bytes came, valid during the call only. @returns whether to read on */
  received(bytes: Buffer): boolean;
  /** The first `count` bytes of the common buffer came. @returns whether to read on */
  filled(count: number): boolean;
  /** The client has ended its side. */
  ended(): void;
  failed(): void;
}

/**
 * Reads a connection. The first requests come through the socket that the server made, which stays as it was,
 * to be handed over at any time. Where more follow, a second socket over the same connection reads, into
 * memory that all connections share.
 */
export class LaneReader {
  readonly #socket: Socket;
  readonly #fd: number;
  /** What all connections read into. */
  readonly #buffer: Buffer;
  readonly #host: ReaderHost;
  #second: Socket | undefined;

  constructor(socket: Socket, fd: number, buffer: Buffer, host: ReaderHost) {
    this.#socket = socket;
    this.#fd = fd;
    this.#buffer = buffer;
    this.#host = host;
  }

  listen(): void {
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
  }

  /** Lets go of the first socket, which somebody else reads from now on. */
  leave(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
  }

  /** Goes on with the second socket. Where there can be none, it goes on as it did. */
  useSecond(): void {
    if (this.#second !== undefined) return;
    let fd: number;
    try {
      fd = duplicateDescriptor(this.#fd);
    } catch {
      return; // Too many descriptors are open.
    }
    this.#socket.off('data', this.#onData);
    stopReading(this.#socket);
    const callback = (count: number): boolean => this.#host.filled(count);
    const onread = { buffer: this.#buffer, callback };
    this.#second = new Socket({ fd, readable: true, writable: false, onread } as ConstructorParameters<
      typeof Socket
    >[0]);
    this.#second.on('end', this.#onEnd);
    this.#second.on('error', () => this.#host.failed());
    this.#second.resume();
  }

  /** Reads on, after it was told not to. */
  resume(): void {
    if (this.#second !== undefined) this.#second.resume();
    else startReading(this.#socket);
  }

  /** Ends the second socket. */
  close(): void {
    this.#second?.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#host.received(bytes)) stopReading(this.#socket);
  };

  readonly #onEnd = (): void => this.#host.ended();
}
