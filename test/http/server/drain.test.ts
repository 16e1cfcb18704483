import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Drain } from '../../../src/http/server/drain.ts';
import { get } from '../../cli/support/server.ts';
import { watchdog } from '../../support/watchdog.ts';

test('start() announces the end in responses not yet begun, finishes them, closes all', async () => {
  const waiting: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/now') response.end('now');
    else waiting.push(response);
  });
  const drain = new Drain(server);
  server.listen(0, '127.0.0.1');
  await watchdog(once(server, 'listening'), 'the server to listen');
  const { port } = server.address() as AddressInfo;
  const [idle, busy] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const silent = connect(port, '127.0.0.1');
  const half = connect(port, '127.0.0.1', () => half.write('GET /now HTTP/1.1\r\nHo'));
  try {
    await get(port, '/now', { agent: idle });
    const answer = get(port, '/later', { agent: busy });
    await watchdog(once(server, 'request'), 'the request');
    const drained = drain.start();
    assert.equal(server.listening, false);
    assert.equal(drain.start(), drained);
    waiting[0]?.end('later');
    const { body, headers } = await answer;
    assert.equal(body.toString(), 'later');
    assert.equal(headers.connection, 'close');
    await watchdog(drained, 'the server to be done');
  } finally {
    silent.destroy();
    half.destroy();
    idle.destroy();
    busy.destroy();
  }
});

test('start() with patience leaves a connection that was told nothing until one more request', async () => {
  const begun: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/begun') begun.push(response);
    else response.end('whole');
    if (request.url === '/begun') response.write('begun');
  });
  const drain = new Drain(server);
  server.listen(0, '127.0.0.1');
  await watchdog(once(server, 'listening'), 'the server to listen');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const idle = new Agent({ keepAlive: true });
  try {
    await get(port, '/idle', { agent: idle });
    const first = get(port, '/begun', { agent });
    await watchdog(once(server, 'request'), 'the request');
    const drained = drain.start({ patience: 60_000 });
    begun[0]?.end();
    assert.equal((await first).headers.connection, 'keep-alive');
    const { headers, body } = await get(port, '/next', { agent });
    assert.equal(body.toString(), 'whole');
    assert.equal(headers.connection, 'close');
    drain.hurry();
    await watchdog(drained, 'the server to be done');
  } finally {
    agent.destroy();
    idle.destroy();
  }
});

test('start() waits until what was written is taken', async () => {
  const body = Buffer.alloc(32 * 1024 ** 2, 'x');
  const server = createServer((_, response) => response.end(body));
  const drain = new Drain(server);
  server.listen(0, '127.0.0.1');
  await watchdog(once(server, 'listening'), 'the server to listen');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await watchdog(once(socket, 'readable'), 'the first bytes');
  const drained = drain.start();
  let length = 0;
  for await (const piece of socket) length += piece.length;
  assert.ok(length > body.length, `${length} bytes came`);
  await watchdog(drained, 'the server to be done');
});
