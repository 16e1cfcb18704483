import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Aggregate } from '../aggregate/aggregate.ts';
import { Pool } from '../aggregate/pool.ts';
import { ArgumentError, describe } from '../base/error.ts';
import { kernelSocket } from './kernel-socket.ts';
import { SocketReceiver } from './socket-receiver.ts';

/** How bytes are received. */
export interface ReceiveOptions {
  /** Where the bytes are put: who may be given them later is for its ACL to say. */
  readonly pool: Pool;
}

/**
 * What comes through a socket, as aggregates that the caller releases, in order, each as large as what was
 * there to read. The kernel writes it into buffers of the pool: nothing is copied in this process, but what
 * Node had read before the call. (From a TLS socket or another stream bytes are copied once.) Reads ahead one
 * aggregate at most.
 *
 * The socket is the caller's to write to. Reading is over with the loop: leave it early, and the socket is
 * destroyed, as with its own iterator. Time-outs of the socket do not notice what is received.
 * @throws what the socket failed with (ECONNRESET); ERR_IOLITE_PEER when it is destroyed before its end;
 *   ERR_IOLITE_LIMIT when the pool is full; ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { connect, createServer } from 'node:net';
 * import { Aggregate, createPool, receive } from 'iolite';
 *
 * const pool = createPool({ name: 'uploads' });
 * const server = createServer(async socket => {
 *   using upload = Aggregate.empty();
 *   for await (const part of receive(socket, { pool })) {
 *     upload.append(part);
 *     part.release();
 *   }
 *   assert.equal(upload.toString(), 'hello');
 *   server.close();
 * });
 * server.listen(0, '127.0.0.1', () => {
 *   connect((server.address() as { port: number }).port, '127.0.0.1').end('hello');
 * });
 * ```
 */
export function receive(socket: Readable, { pool }: ReceiveOptions): AsyncGenerator<Aggregate, void, void> {
  if (typeof socket?.read !== 'function' || typeof socket.destroy !== 'function') {
    throw new ArgumentError(`Cannot receive: a socket is wanted, ${describe(socket)} was given`);
  }
  if (!(pool instanceof Pool)) {
    throw new ArgumentError(`Cannot receive: a pool is wanted, ${describe(pool)} was given`);
  }
  return kernelSocket(socket) === undefined
    ? receiveCopies(socket, pool)
    : receiveDirectly(socket as Socket, pool);
}

async function* receiveDirectly(socket: Socket, pool: Pool): AsyncGenerator<Aggregate, void, void> {
  const receiver = new SocketReceiver(socket, pool);
  try {
    for (let part = await receiver.next(); part !== undefined; part = await receiver.next()) yield part;
  } finally {
    receiver.close();
  }
}

async function* receiveCopies(stream: Readable, pool: Pool): AsyncGenerator<Aggregate, void, void> {
  for await (const bytes of stream) yield pool.from(bytes as Buffer);
}
