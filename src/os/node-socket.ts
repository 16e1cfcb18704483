/**
 * What Node's sockets do not tell and do in public. The names are those of Node 20 to 24; where one is
 * missing the reading goes on as Node does it, and the descriptor is refused.
 */

import type { Server, Socket } from 'node:net';
import { IoliteError } from '../base/error.ts';

interface Handle {
  readonly fd?: number;
  reading?: boolean;
  readStop?(): void;
  readStart?(): void;
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle })._handle ?? undefined;
}

/** The descriptor behind a socket of Node's, which has no public name. Node keeps and closes it. */
export function descriptorOf(socket: Socket): number {
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

/** A connection that was accepted, and for which there is no socket of Node's yet. */
export interface AcceptedConnection {
  readonly fd: number;
  /** Address of the peer. To be asked for before it is closed; then it is known afterwards, too. */
  readonly remoteAddress: string | undefined;
  /** Closes it. Nobody else will hear of it. */
  close(): void;
}

interface AcceptedHandle {
  readonly fd?: number;
  getpeername?(out: { address?: string }): number;
  close(): void;
}

interface ListeningHandle {
  onconnection?: (error: number, handle: AcceptedHandle | undefined) => void;
}

/**
 * Shows the connections of a server to `first` as they are accepted: to make a socket costs as much as all
 * else about a connection that brings a single request. Does nothing where Node has other names for it; then
 * all connections get sockets. A server that counts its connections, or refuses some, keeps them all.
 * @param first whether it has taken, and closed, the connection. Otherwise Node goes on as if it had not been
 *   asked
 */
export function interceptConnections(
  server: Server,
  first: (connection: AcceptedConnection) => boolean,
): void {
  let intercepted: ListeningHandle | undefined;
  const intercept = (): void => {
    const listening = (server as unknown as { _handle?: ListeningHandle | null })._handle ?? undefined;
    const next = listening?.onconnection;
    if (listening === undefined || listening === intercepted || typeof next !== 'function') return;
    intercepted = listening;
    listening.onconnection = function (this: unknown, error, handle) {
      const isOurs = error === 0 && handle?.fd !== undefined && handle.fd >= 0;
      if (!isOurs || isSelective(server) || !first(new HandleConnection(handle))) {
        next.call(this, error, handle);
      }
    };
  };
  server.on('listening', intercept);
  if (server.listening) intercept();
}

/** Whether Node is to count its connections, or to refuse some of them. */
function isSelective(server: Server): boolean {
  const { maxConnections, blockList } = server as { maxConnections?: unknown; blockList?: unknown };
  return (maxConnections ?? blockList ?? undefined) !== undefined;
}

class HandleConnection implements AcceptedConnection {
  readonly #handle: AcceptedHandle;
  #remote: { address?: string } | undefined;

  constructor(handle: AcceptedHandle) {
    this.#handle = handle;
  }

  get fd(): number {
    return this.#handle.fd as number;
  }

  get remoteAddress(): string | undefined {
    if (this.#remote === undefined) {
      this.#remote = {};
      this.#handle.getpeername?.(this.#remote);
    }
    return this.#remote.address;
  }

  close(): void {
    this.#handle.close();
  }
}
