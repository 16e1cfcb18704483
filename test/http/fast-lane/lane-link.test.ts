import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, BlockList, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { libc } from '../../../src/os/libc.ts';
import { descriptorOf } from '../../../src/os/node-socket.ts';
import { Client, LaneServer, listenerOf, stream } from '../../support/lane-server.ts';
import { someBytes } from '../../support/tcp-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

const CLIENT = new URL('children/eager-client.mjs', import.meta.url);
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;

/** What came back, as text of one byte a character. */
interface Reply {
  readonly head: string;
  readonly body: string;
}

/** Sends bytes that are there before the server accepts the connection. */
async function ask(server: LaneServer, bytes: string, beforeReading?: () => Promise<void>): Promise<Reply> {
  const port = await server.port();
  const flag = new SharedArrayBuffer(4);
  const readsLate = beforeReading !== undefined;
  const client = new Worker(CLIENT, { workerData: { port, bytes: Buffer.from(bytes), flag, readsLate } });
  try {
    assert.notEqual(Atomics.wait(new Int32Array(flag), 0, 0, 20_000), 'timed-out');
    const reply = once(client, 'message');
    await beforeReading?.();
    client.postMessage('read');
    const [{ bytes: received, failure }] = await watchdog(reply, 'the end of the connection');
    assert.equal(failure, undefined);
    const text = Buffer.from(received).toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    return { head: text.slice(0, end), body: text.slice(end + 4) };
  } finally {
    await client.terminate();
  }
}

function get(target: string, ...fields: string[]): string {
  return [`GET ${target} HTTP/1.1`, 'Host: test', ...fields, '', ''].join('\r\n');
}

/** How many sockets a server has made. */
function countSockets(server: LaneServer): () => number {
  let count = 0;
  server.server.on('connection', () => {
    count += 1;
  });
  return () => count;
}

test('a connection that brings one request with it is answered, and closed, without a socket', async () => {
  const told: unknown[] = [];
  await using server = new LaneServer({
    listener: listenerOf(({ request, remoteAddress, status, bytes }) => {
      told.push([request.target, remoteAddress, status, bytes]);
    }),
  });
  const sockets = countSockets(server);
  const body = someBytes(64 * 1024);
  server.handler.file('/now', 'now');
  server.handler.file('/most', body);
  for (let i = 0; i < 3; i++) {
    const { head, body: text } = await ask(server, get('/now', 'Connection: close'));
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head, /\r\nConnection: close(\r\n|$)/);
    assert.equal(text, 'now');
  }
  assert.equal((await ask(server, get('/most', 'Connection: close'))).body, body.toString('latin1'));
  const headOnly = await ask(server, get('/now', 'Connection: close').replace('GET', 'HEAD'));
  assert.match(headOnly.head, /\r\nContent-Length: 3\r\n/);
  assert.equal(headOnly.body, '');
  assert.equal(sockets(), 0);
  const now = ['/now', '127.0.0.1', 200, 3];
  assert.deepEqual(told, [now, now, now, ['/most', '127.0.0.1', 200, 65_536], ['/now', '127.0.0.1', 200, 0]]);
  server.handler.close();
  assert.equal(server.handler.pool.stats().chunks, 0);
});

test('a connection gets a socket where it needs one, and the same answers as ever', async () => {
  await using server = new LaneServer();
  const sockets = countSockets(server);
  const large = someBytes(64 * 1024 + 1);
  server.handler.file('/now', 'now');
  server.handler.file('/large', large);
  server.handler.slowFile('/later', 'later');
  server.handler.now.set('/stream', () => ({
    status: 200,
    headers: ['Content-Length', '6'],
    body: stream(server.handler.pool, 'one', 'two'),
  }));
  server.handler.now.set('/fails', () => {
    throw new Error('of the test');
  });
  server.handler.now.set('/unsayable', () => ({ status: 200, headers: ['X', 'a\nb'], body: undefined }));
  const closing = 'Connection: close';
  const cases: [request: string, status: number, body: string, sockets: number][] = [
    [get('/later', closing), 200, 'later', 0],
    [get('/now', closing) + get('/now'), 200, 'now', 0],
    [get('/stream', closing), 200, 'onetwo', 1],
    [get('/other', closing), 200, 'node GET /other', 1],
    [get('/now', closing, 'X-Odd: yes'), 200, 'node GET /now', 1],
    [get('/now') + get('/other', closing), 200, '', 1],
    [get('/large', closing), 200, large.toString('latin1'), 0],
  ];
  let wanted = 0;
  for (const [request, status, body, made] of cases) {
    const reply = await ask(server, request);
    assert.equal(reply.head.slice(0, 12), `HTTP/1.1 ${status}`, request);
    if (body !== '') assert.equal(reply.body, body, request);
    else assert.match(reply.body, /^nowHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nnode GET \/other$/);
    wanted += made;
    assert.equal(sockets(), wanted, request);
  }
  // A failure is as short an answer as any.
  for (const target of ['/fails', '/unsayable']) {
    const { head, body } = await ask(server, get(target, closing));
    assert.equal(head.slice(0, 12), 'HTTP/1.1 500', target);
    assert.equal(body, 'Internal Server Error\n', target);
  }
  const both = await ask(server, get('/now') + get('/now', closing));
  assert.match(both.body, /^nowHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nnow$/);
  server.server.maxConnections = 100;
  assert.equal((await ask(server, get('/now', closing))).body, 'now');
  assert.equal(sockets(), wanted);
  // Node is to look at every address.
  Object.assign(server.server, { blockList: new BlockList() });
  assert.equal((await ask(server, get('/now', closing))).body, 'now');
  assert.equal((await ask(server, get('/later', closing))).body, 'later');
  assert.equal((await ask(server, get('/other', closing))).body, 'node GET /other');
  assert.equal(sockets(), wanted + 3);
  server.handler.close();
  assert.equal(server.handler.pool.stats().chunks, 0);
});

test('an answer that a connection has no room for goes on in a socket', async () => {
  const told: unknown[] = [];
  await using server = new LaneServer({
    listener: listenerOf(({ status, bytes }) => told.push([status, bytes])),
  });
  const sockets = countSockets(server);
  const body = someBytes(64 * 1024);
  server.handler.file('/most', body);
  await server.port();
  // Accepted connections have the listening socket's: the least that there can be.
  const size = new Uint8Array(Int32Array.of(1).buffer);
  const listening = descriptorOf(server.server as unknown as Socket);
  assert.equal(libc().setsockopt(listening, SOL_SOCKET, SO_SNDBUF, size, 4), 0);
  const connected = once(server.server, 'connection');
  const reply = await ask(server, get('/most', 'Connection: close'), async () => {
    await watchdog(connected, 'the connection');
  });
  assert.equal(reply.body, body.toString('latin1'));
  assert.equal(sockets(), 1);
  assert.deepEqual(told, [[200, 65_536]]);
  server.handler.close();
  assert.equal(server.handler.pool.stats().chunks, 0);
});

/** How many connections a server says it has. */
function count(server: LaneServer): Promise<number> {
  return promisify(server.server.getConnections.bind(server.server))();
}

test('a socket made for a large answer is given up at rest, and the connection goes on', async () => {
  await using server = new LaneServer();
  const large = someBytes(8 * 1024 ** 2);
  server.handler.file('/large', large);
  server.handler.file('/small', 'small');
  const client = await server.connect();
  const idle = await server.connect();
  for (const round of [0, 1]) {
    const made = once(server.server, 'connection') as Promise<[Socket]>;
    client.ask('/large');
    client.ask('/small');
    const [socket] = await watchdog(made, 'a socket');
    assert.equal(await count(server), 2);
    assert.ok((await client.response()).body.equals(large));
    assert.equal((await client.response()).body.toString(), 'small');
    await watchdog(once(socket, 'close'), `its end (${round})`);
    assert.equal(await count(server), 2);
    client.ask('/small');
    assert.equal((await client.response()).body.toString(), 'small');
  }
  client.ask('/other');
  assert.equal((await client.response()).body.toString(), 'node GET /other');
  assert.equal(await count(server), 2);
  client.socket.destroy();
  idle.socket.destroy();
  while ((await count(server)) > 0) await new Promise(setImmediate);
});

test('a server that is closed waits for connections without a socket, and makes one if need be', async () => {
  await using server = new LaneServer();
  const large = someBytes(8 * 1024 ** 2);
  server.handler.file('/small', 'small');
  server.handler.file('/large', large);
  const [idle, busy, other] = [await server.connect(), await server.connect(), await server.connect()];
  for (const client of [idle, busy, other]) {
    client.ask('/small');
    await client.response();
  }
  let isClosed = false;
  const closed = new Promise<void>(resolve => {
    server.server.close(() => {
      isClosed = true;
      resolve();
    });
  });
  assert.equal(await count(server), 3);
  busy.ask('/large');
  assert.ok((await busy.response()).body.equals(large));
  other.ask('/other');
  assert.equal((await other.response()).body.toString(), 'node GET /other');
  other.socket.destroy();
  busy.socket.destroy();
  idle.ask('/small');
  assert.equal((await idle.response()).body.toString(), 'small');
  assert.equal(isClosed, false);
  idle.socket.end();
  await watchdog(closed, 'the server to close');
});

test('no more connections than a server wants are taken, with sockets or without', async () => {
  await using server = new LaneServer();
  server.handler.file('/small', 'small');
  server.server.maxConnections = 2;
  const clients = [await server.connect(), await server.connect()];
  for (const target of ['/small', '/other']) {
    for (const client of clients) {
      client.ask(target);
      assert.equal((await client.response()).status, 200);
    }
    const dropped = once(server.server, 'drop');
    const refused = await server.connect();
    await watchdog(dropped, 'the refusal');
    await refused.end();
  }
  clients[0]?.socket.destroy();
  while ((await count(server)) > 1) await new Promise(setImmediate);
  const next = await server.connect();
  next.ask('/small');
  assert.equal((await next.response()).status, 200);
});

test('where no descriptor is left, what needs a socket ends, and nothing else', async context => {
  await using server = new LaneServer();
  server.handler.file('/small', 'small');
  server.handler.file('/large', someBytes(32 * 1024 ** 2));
  const clients = [await server.connect(), await server.connect(), await server.connect()];
  for (const client of clients) {
    client.ask('/small');
    await client.response();
  }
  const [large, other, small] = clients as [Client, Client, Client];
  const calls = context.mock.method(libc(), 'fcntl', () => -1);
  large.ask('/large');
  other.ask('/other');
  await assert.rejects(large.response(), /ended before/);
  await assert.rejects(other.response(), /ended before/);
  assert.equal(calls.mock.callCount(), 2);
  // A new connection has a handle that can be given away.
  const fresh = await server.connect();
  fresh.ask('/other');
  assert.equal((await fresh.response()).body.toString(), 'node GET /other');
  small.ask('/small');
  assert.equal((await small.response()).body.toString(), 'small');
  calls.mock.restore();
  for (const { socket } of [...clients, fresh]) socket.destroy();
  while ((await count(server)) > 0) await new Promise(setImmediate);
  server.handler.close();
  assert.equal(server.handler.pool.stats().chunks, 0);
});

test('a connection whose socket somebody else made is in the lane, too, and keeps it', async () => {
  await using server = new LaneServer();
  const large = someBytes(8 * 1024 ** 2);
  server.handler.file('/small', 'small');
  server.handler.file('/large', large);
  const other = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  other.on('connection', socket => server.server.emit('connection', socket));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const socket = connect((other.address() as AddressInfo).port, '127.0.0.1');
  const client = new Client(socket);
  for (const target of ['/small', '/small', '/large', '/small']) {
    client.ask(target);
    assert.equal((await client.response()).body.length, target === '/large' ? large.length : 5);
  }
  assert.equal(server.lane.connections, 1);
  client.ask('/other');
  assert.equal((await client.response()).body.toString(), 'node GET /other');
  client.ask('/small');
  assert.equal((await client.response()).body.toString(), 'node GET /small');
  assert.equal(server.lane.connections, 0);
  socket.destroy();
  await watchdog(new Promise(resolve => other.close(resolve)), 'the other server to close');
});
