import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/**
 * A connected pair: what is written to the one arrives at the other. Ends that are ended stay open for what
 * comes.
 */
export async function tcpPair(context: TestContext): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [serverSide] = (await accepted) as [Socket];
  if (client.connecting) await once(client, 'connect');
  server.close();
  context.after(() => {
    client.destroy();
    serverSide.destroy();
  });
  return [serverSide, client];
}

/** All bytes of a socket up to its end. */
export async function received(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes that differ wherever a piece could be cut, doubled or lost. */
export function someBytes(size: number): Buffer {
  return Buffer.alloc(
    size,
    Uint8Array.from({ length: 65_521 }, (_, i) => (i * 31 + (i >> 8)) & 255),
  );
}
