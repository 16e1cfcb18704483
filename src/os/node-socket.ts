/**
 * What Node's sockets do not tell and do in public. The names are those of Node 20 to 24; where one is missing the reading goes on
 * as Node does it, and the descriptor is refused.
 */

import type { Socket } from 'node:net';
import { IoliteError } from './error.ts';

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
 * Lets a socket read no more until {@link startReading}. To pause it is not enough: it would read on until its buffer is full, and
 * its stream asks for more in a later turn.
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
