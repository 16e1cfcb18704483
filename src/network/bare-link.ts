import type { Socket } from 'node:net';
import { ignore } from '../base/ignore.ts';
import type { BareConnection, ConnectionReader } from '../os/node-socket.ts';
import { endSending } from '../os/socket.ts';

/** Who has a link. */
export interface LinkHost extends ConnectionReader {
  /** Its socket was closed, by Node or by whoever was told of it. */
  lost(): void;
}

/** Whoever makes sockets for connections of a server. */
export interface SocketMaker {
  /** @param make has the server make it @returns undefined if it was not made */
  socketBy(make: () => boolean): Socket | undefined;
}

/**
 * A bare connection, read into memory that all connections share. A socket of Node's is beside it only while
 * something waits for the peer to take more, or for ever if that was there first. It writes, and never reads.
 */
export class BareLink {
  readonly #connection: BareConnection;
  readonly #maker: SocketMaker;
  readonly #host: LinkHost;
  #socket: Socket | undefined;
  /** Made with the socket. */
  #onClose: (() => void) | undefined;

  /** @param socket of the same connection, if there is one */
  constructor(connection: BareConnection, maker: SocketMaker, host: LinkHost, socket?: Socket) {
    this.#connection = connection;
    this.#maker = maker;
    this.#host = host;
    if (socket !== undefined) this.#watch(socket);
  }

  /** What is read from and sent to. The socket has another one. */
  get fd(): number {
    return this.#connection.fd;
  }

  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress;
  }

  /** Whether the socket was closed. */
  get isBroken(): boolean {
    return this.#socket?.destroyed === true;
  }

  /** Whether the socket has bytes that the kernel has not taken: what is sent goes behind them. */
  get hasUnsent(): boolean {
    return (this.#socket?.writableLength ?? 0) > 0;
  }

  /** It stays: what comes goes to the host, once it is resumed. */
  keep(buffer: Buffer): void {
    this.#connection.keep(this.#host, buffer);
    if (this.#socket === undefined) this.#connection.count();
  }

  /** More is to come: reads without a copy. */
  share(): void {
    this.#connection.share();
  }

  /** Reads into a buffer of its own from behind the next bytes on; undefined: into the shared one again. */
  aim(buffer: Buffer | undefined): void {
    this.#connection.aim(buffer);
  }

  resume(): void {
    this.#connection.resume();
  }

  pause(): void {
    this.#connection.pause();
  }

  /** A socket to write to. @returns undefined where no descriptor is left for it */
  socket(): Socket | undefined {
    if (this.#socket !== undefined) return this.#socket;
    const socket = this.#maker.socketBy(() => this.#connection.makeSocket());
    if (socket !== undefined) this.#watch(socket);
    return socket;
  }

  /** Nothing waits for the peer any more: gives up a socket that was made for that. */
  relax(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#connection.canHaveSocket || socket.destroyed) return;
    this.#forget(socket);
    // Node closes its own descriptor, which ends nothing.
    this.#connection.count();
    socket.destroy();
  }

  /** Ends our side, behind what was sent. */
  end(): void {
    if (this.#socket !== undefined) this.#socket.end();
    else endSending(this.fd);
  }

  /** Closes it when all was sent. @returns whether it is closed now; otherwise the host is told when */
  closeSoon(): boolean {
    if (this.hasUnsent) {
      this.#socket?.destroySoon();
      return false;
    }
    this.close();
    return true;
  }

  close(): void {
    const socket = this.#socket;
    this.#connection.close();
    socket?.destroy();
  }

  /**
   * The whole of it goes to somebody else, by a socket that has read nothing since. It is over.
   * @returns undefined where no descriptor is left; then it is closed
   */
  toSocket(): Socket | undefined {
    const socket = this.#socket;
    if (socket === undefined) return this.#maker.socketBy(() => this.#connection.handOver());
    this.#forget(socket);
    this.#connection.close();
    return socket.destroyed ? undefined : socket;
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    this.#onClose = () => this.#host.lost();
    socket.on('error', ignore);
    socket.on('close', this.#onClose);
  }

  #forget(socket: Socket): void {
    this.#socket = undefined;
    socket.off('error', ignore);
    if (this.#onClose !== undefined) socket.off('close', this.#onClose);
  }
}
