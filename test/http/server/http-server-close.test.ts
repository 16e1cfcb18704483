import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOUR_MS = 3_600_000;

/** Clients as browsers are: they do not close a connection because the server has ended its side. */
async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await watchdog(once(socket, 'connect'), 'a connection');
  return socket;
}

test('a server that closes does not wait for clients that keep connections open', async () => {
  const server = createServer({
    handler: {
      answer: (_, recipient) => {
        recipient.answered({ status: 204, headers: [], body: undefined });
        return undefined;
      },
    },
    limits: { keepAliveTimeout: HOUR_MS, headersTimeout: HOUR_MS },
  });
  await server.listen(0, '127.0.0.1');
  const port = server.address()?.port as number;
  const [kept, fresh] = [await connected(port), await connected(port)];
  try {
    kept.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = await watchdog(once(kept, 'data'), 'an answer');
    assert.match(String(answer), /^HTTP\/1.1 204 /);
    await watchdog(server.close(), 'the server to have closed');
  } finally {
    kept.destroy();
    fresh.destroy();
  }
});
