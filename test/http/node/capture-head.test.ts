import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { test } from 'node:test';
import { holdHead } from '../../../src/http/node/capture-head.ts';
import { received } from '../../support/tcp-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

/** What a client gets from a server that answers one request so. */
async function answered(answer: (response: ServerResponse, socket: Socket) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response, response.socket as Socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1' });
  client.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n');
  const bytes = await watchdog(received(client), 'the answer');
  server.close();
  return bytes.toString('latin1');
}

test('a head is held back, whole, in one byte a character, and the socket is as it was', async () => {
  const got = await answered((response, socket) => {
    response.writeHead(200, ['X-Name', 'caf\u00e9', 'Content-Length', '4']);
    const head = holdHead(response, socket) as Buffer;
    assert.match(head.toString('latin1'), /^HTTP\/1\.1 200 OK\r\nX-Name: caf\u00e9\r\n[\s\S]*\r\n\r\n$/);
    assert.equal(socket.write, Socket.prototype.write);
    assert.ok(!Object.hasOwn(socket, 'write'));
    assert.equal(socket.bytesWritten, 0);
    socket.write(Buffer.concat([head, Buffer.from('body')]));
    response.end();
    assert.equal(holdHead(response, socket), undefined);
  });
  assert.match(got, /^HTTP\/1\.1 200 OK\r\nX-Name: caf\u00e9\r\n[\s\S]*\r\n\r\nbody$/);
});

test('a head is written where something waits before it, or somebody watches', async () => {
  const behind = await answered((response, socket) => {
    socket.cork();
    response.writeEarlyHints({ link: '</a>' });
    response.writeHead(200, ['Content-Length', '4']);
    assert.equal(holdHead(response, socket), undefined);
    socket.write('body');
    socket.uncork();
    response.end();
  });
  assert.match(
    behind,
    /^HTTP\/1\.1 103 Early Hints\r\n[\s\S]*\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nbody$/,
  );
  const seen: string[] = [];
  const watched = await answered((response, socket) => {
    const { write } = socket;
    socket.write = function (this: Socket, ...all: unknown[]) {
      seen.push(String(all[0]));
      return (write as (...all: unknown[]) => boolean).apply(this, all);
    } as Socket['write'];
    response.writeHead(200, ['Content-Length', '4']);
    assert.equal(holdHead(response, socket), undefined);
    response.end('body');
  });
  assert.match(seen[0] ?? '', /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(watched, /\r\n\r\nbody$/);
});
