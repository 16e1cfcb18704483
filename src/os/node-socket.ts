/**
 * What Node's sockets do not tell and do in public. The names are those of Node 20 to 24; where one is
 * missing the reading goes on as Node does it, and the descriptor is refused.
 */

import type { Server, Socket } from 'node:net';
import { IoliteError } from '../base/error.ts';
import { closeDescriptor, duplicateDescriptor } from './descriptor.ts';
import { hasEnded } from './socket.ts';
import { UNIX_PEER } from './unix-address.ts';

interface Handle {
  readonly fd?: number;
  reading?: boolean;
  readStop?(): void;
  readStart?(): void;
}

function handleOf(socket: Socket | Server): Handle | undefined {
  return (socket as unknown as { _handle?: Handle })._handle ?? undefined;
}

/** The descriptor behind a socket or server of Node's, which has no public name. Node keeps and closes it. */
export function descriptorOf(socket: Socket | Server): number {
  const fd = handleOf(socket)?.fd;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use a socket: it is closed');
}

/**
 * Lets a socket read no more until {@link startReading}. To pause it is not enough: it would read on until
 * its buffer is full, and its stream asks for more in a later turn.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = handleOf(socket);
  if (handle?.readStop === undefined) return;
  handle.reading = false;
  handle.readStop();
  Object.defineProperty(handle, 'readStart', { value: () => 0, configurable: true });
}

/** Lets it read on, to whoever listens. */
export function startReading(socket: Socket): void {
  socket.resume();
  const handle = handleOf(socket);
  if (handle === undefined || !Object.hasOwn(handle, 'readStart')) return;
  delete (handle as { readStart?: unknown }).readStart;
  handle.reading = true;
  handle.readStart?.();
}

/**
 * Lets a socket read nothing until {@link releaseReading}, whatever its readers ask for meanwhile. What it
 * has read goes on to them.
 */
export function holdReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle?.readStop === undefined) return;
  handle.readStop();
  Object.defineProperty(handle, 'readStart', { value: () => 0, configurable: true });
}

/** Lets it read on, if a reader has asked for more. */
export function releaseReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined || !Object.hasOwn(handle, 'readStart')) return;
  delete (handle as { readStart?: unknown }).readStart;
  if (handle.reading === true) handle.readStart?.();
}

/** Who reads a {@link BareConnection}. */
export interface ConnectionReader {
  /**
   * The first `count` bytes of a buffer came, valid during the call only.
   * @param into another buffer than what was given first, if it is one: see {@link BareConnection.aim}
   * @returns whether to read on
   */
  filled(count: number, into?: Buffer): boolean;
  /** The peer has ended its side, or is gone. Nothing more comes. */
  ended(): void;
}

/** What Node's stream handles have besides; where something is missing there are no bare connections. */
interface StreamHandle extends Handle {
  readonly fd: number;
  /** Counts what libuv has read. */
  readonly bytesRead: number;
  /** @returns the buffer that is read into from now on, if that is another one and bytes went into one */
  onread: ((this: StreamHandle, bytes: ArrayBuffer | undefined) => Buffer | undefined) | undefined;
  readStop(): number;
  readStart(): number;
  /** From now on bytes are read into this buffer, and nobody is given them. For good. */
  useUserBuffer(buffer: Buffer): void;
  open(fd: number): number;
  close(): void;
  getpeername?(out: { address?: string }): number;
  setNoDelay?(enable: boolean): number;
  setKeepAlive?(enable: boolean, seconds: number): number;
  [CONNECTION]?: BareConnection | undefined;
}

const CONNECTION = Symbol('iolite.connection');
/** What the constructors of handles call a socket that does not listen. */
const SOCKET_KIND = 0x0;

interface ListeningHandle {
  onconnection?: (error: number, handle: unknown) => void;
}

/** What a server has for the counting of its connections, and wants for them. */
interface CountingServer {
  _connections?: number;
  _emitCloseIfDrained?(): void;
  readonly maxConnections?: number | null;
  readonly blockList?: unknown;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
}

/** Where a connection comes from: its server, and how that makes a socket of it. */
interface Origin {
  readonly server: CountingServer;
  accept(handle: StreamHandle): void;
}

/**
 * A connection without a socket of Node's, which takes more memory and time than all else about it: libuv's
 * handle, read into a buffer that others may share. Whoever has it closes it, or hands it over. Its server
 * counts it as one of its own.
 */
export class BareConnection {
  readonly #handle: StreamHandle;
  /** Undefined for one beside a socket that somebody else has made. */
  readonly #origin: Origin | undefined;
  #reader: ConnectionReader | undefined;
  /** What is read into mostly, now, and from the next read on. */
  #buffer: Buffer | undefined;
  #current: Buffer | undefined;
  #next: Buffer | undefined;
  #remoteAddress: string | undefined;
  /** What libuv had read when it was last asked. */
  #seen = 0;
  #isShared = false;
  #isReading = false;
  #isCounted = false;
  #isClosed = false;

  private constructor(handle: StreamHandle, origin: Origin | undefined) {
    this.#handle = handle;
    this.#origin = origin;
  }

  /** @returns undefined where Node's names for what it takes are others */
  static of(handle: unknown, origin: Origin): BareConnection | undefined {
    return isStreamHandle(handle) && handle.fd >= 0 ? new BareConnection(handle, origin) : undefined;
  }

  /**
   * A second way to read a socket's connection, with a descriptor of its own. The socket must not read.
   * @returns undefined where there can be none
   */
  static beside(socket: Socket): BareConnection | undefined {
    const handle = handleOf(socket);
    const duplicate = isStreamHandle(handle) ? duplicateHandle(handle) : undefined;
    return duplicate && new BareConnection(duplicate, undefined);
  }

  /** Non-negative until it is closed. */
  get fd(): number {
    return this.#handle.fd;
  }

  /** Address of the peer. Asked for before it is closed, it is known afterwards, too. */
  get remoteAddress(): string | undefined {
    if (this.#remoteAddress === undefined && !this.#isClosed) {
      const peer: { address?: string } = {};
      this.#handle.getpeername?.(peer);
      this.#remoteAddress = hasAddress(this.#handle) ? peer.address : UNIX_PEER;
    }
    return this.#remoteAddress;
  }

  /** Whether there can be a socket for it which is given up again. */
  get canHaveSocket(): boolean {
    return this.#origin !== undefined;
  }

  /** Tells who reads it once it is resumed, and into what. Call it once. */
  keep(reader: ConnectionReader, buffer: Buffer): void {
    this.#reader = reader;
    this.#buffer = buffer;
    this.#current = buffer;
    this.#next ??= buffer;
    this.#handle[CONNECTION] = this;
    this.#handle.onread = onRead;
    const { noDelay, keepAlive, keepAliveInitialDelay = 0 } = this.#origin?.server ?? {};
    if (noDelay === true) this.#handle.setNoDelay?.(true);
    if (keepAlive === true) this.#handle.setKeepAlive?.(true, keepAliveInitialDelay);
  }

  /**
   * Reads into the buffer from now on, with no copy in between. It costs a descriptor more to hand it over
   * then.
   */
  share(): void {
    if (this.#isShared || this.#buffer === undefined) return;
    this.#isShared = true;
    this.#current = this.#next as Buffer;
    this.#handle.useUserBuffer(this.#current);
  }

  /**
   * Tells into what is read instead of the buffer that others share, once it is shared and from behind the
   * next bytes on: these may still come into what is read into now, which stays as it is until then.
   * @param buffer undefined: the shared one again
   */
  aim(buffer: Buffer | undefined): void {
    this.#next = buffer ?? this.#buffer;
  }

  resume(): void {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    this.#handle.readStart();
  }

  pause(): void {
    if (!this.#isReading || this.#isClosed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  /** Its server counts it, until it makes a socket for it or it is closed. */
  count(): void {
    if (this.#isCounted || this.#origin === undefined) return;
    this.#isCounted = true;
    (this.#origin.server._connections as number) += 1;
  }

  /**
   * Has the server make a socket for the same connection, which it tells its listeners of and counts.
   * @returns false where no descriptor is left
   */
  makeSocket(): boolean {
    const duplicate = this.#origin && duplicateHandle(this.#handle);
    if (duplicate === undefined) return false;
    this.#give(duplicate);
    return true;
  }

  /** As {@link makeSocket}, and this is over: the socket is to read what comes from now on. */
  handOver(): boolean {
    this.pause();
    if (this.#isShared) {
      const isMade = this.makeSocket();
      this.close();
      return isMade;
    }
    this.#isClosed = true;
    this.#handle[CONNECTION] = undefined;
    this.#give(this.#handle);
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle[CONNECTION] = undefined;
    this.#handle.close();
    if (!this.#isCounted) return;
    this.#uncount();
    this.#origin?.server._emitCloseIfDrained?.();
  }

  #uncount(): void {
    if (!this.#isCounted || this.#origin === undefined) return;
    this.#isCounted = false;
    (this.#origin.server._connections as number) -= 1;
  }

  #give(handle: StreamHandle): void {
    this.#uncount();
    this.#origin?.accept(handle);
  }

  /**
   * For {@link onRead}. @param bytes that came, unless they are in the buffer. @returns what is read into
   * from now on, if that is another buffer
   */
  came(bytes: ArrayBuffer | undefined): Buffer | undefined {
    const total = this.#handle.bytesRead;
    const count = total - this.#seen;
    this.#seen = total;
    if (count > 0) {
      if (bytes !== undefined) this.#buffer?.set(new Uint8Array(bytes, 0, count));
      const into = bytes === undefined && this.#current !== this.#buffer ? this.#current : undefined;
      if (this.#reader?.filled(count, into) === false) this.pause();
      // What came as bytes did so before there was a buffer for it: nobody takes another one.
      if (bytes !== undefined || this.#next === this.#current) return undefined;
      this.#current = this.#next;
      return this.#current;
    }
    if (hasEnded(this.fd)) {
      this.pause();
      this.#reader?.ended();
    }
    return undefined;
  }
}

/** One function for all connections. */
function onRead(this: StreamHandle, bytes: ArrayBuffer | undefined): Buffer | undefined {
  return this[CONNECTION]?.came(bytes);
}

/** Handles of Unix sockets have no such call. */
function hasAddress({ getpeername }: StreamHandle): boolean {
  return typeof getpeername === 'function';
}

/** The address of a socket's peer: {@link UNIX_PEER} on a Unix socket; undefined for one that is closed. */
export function remoteAddressOf(socket: Partial<Socket>): string | undefined {
  if (socket.remoteAddress !== undefined || socket.destroyed !== false) return socket.remoteAddress;
  const handle = handleOf(socket as Socket);
  return isStreamHandle(handle) && !hasAddress(handle) ? UNIX_PEER : undefined;
}

function isStreamHandle(handle: unknown): handle is StreamHandle {
  const { fd, bytesRead, readStart, readStop, useUserBuffer, open, close } = (handle ??
    {}) as Partial<StreamHandle>;
  const calls = [readStart, readStop, useUserBuffer, open, close];
  return (
    typeof fd === 'number' && typeof bytesRead === 'number' && calls.every(call => typeof call === 'function')
  );
}

/** Another handle of the same kind and connection. @returns undefined where no descriptor is left */
function duplicateHandle(handle: StreamHandle): StreamHandle | undefined {
  let fd: number;
  try {
    fd = duplicateDescriptor(handle.fd);
  } catch {
    return undefined;
  }
  const Kind = (handle as object).constructor as new (kind: number) => StreamHandle;
  const duplicate = new Kind(SOCKET_KIND);
  if (duplicate.open(fd) === 0) return duplicate;
  closeDescriptor(fd);
  return undefined;
}

/**
 * Shows the connections of a server to `first` as they are accepted. Does nothing where Node has other names
 * for it; then all connections get sockets. A server that refuses some by their address keeps them all, and
 * those beyond its `maxConnections`.
 * @param first whether it takes the connection over. Otherwise Node goes on as if it had not been asked
 */
export function interceptConnections(server: Server, first: (connection: BareConnection) => boolean): void {
  const counting = server as unknown as CountingServer;
  let intercepted: ListeningHandle | undefined;
  const intercept = (): void => {
    const listening = (server as unknown as { _handle?: ListeningHandle | null })._handle ?? undefined;
    const next = listening?.onconnection;
    if (listening === undefined || listening === intercepted || typeof next !== 'function') return;
    if (typeof counting._connections !== 'number' || counting._emitCloseIfDrained === undefined) return;
    intercepted = listening;
    const origin = { server: counting, accept: (handle: unknown) => next.call(listening, 0, handle) };
    listening.onconnection = function (this: unknown, error, handle) {
      const isOurs = error === 0 && !isSelective(counting);
      const connection = isOurs ? BareConnection.of(handle, origin) : undefined;
      if (connection === undefined || !first(connection)) next.call(this, error, handle);
    };
  };
  server.on('listening', intercept);
  if (server.listening) intercept();
}

/** Whether Node is to look at the next connection itself. */
function isSelective({ maxConnections, blockList, _connections = 0 }: CountingServer): boolean {
  return (
    (blockList ?? undefined) !== undefined || _connections >= (maxConnections ?? Number.POSITIVE_INFINITY)
  );
}
