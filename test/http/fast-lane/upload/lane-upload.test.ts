import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../../src/aggregate/pool.ts';
import type { Answer, ServerRequest } from '../../../../src/http/message/exchange.ts';
import { handlerOf } from '../../../../src/http/message/promised-answer.ts';
import { createServer as createIolite } from '../../../../src/http/server/server.ts';
import { certificateFor } from '../../../network/support/tls-settings.ts';
import { Folder } from '../../../support/folder.ts';
import { Client, LaneServer } from '../../../support/lane-server.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { RawClient } from '../../support/raw-client.ts';

const CHUNKED = 'Transfer-Encoding: chunked';
const BYTES = randomBytes(3 * 1024 ** 2);
const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

async function read(request: ServerRequest): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request.body ?? []) {
    pieces.push(piece.toBuffer());
    piece.release();
  }
  return Buffer.concat(pieces);
}

const pool = createPool({ name: 'uploads' });

function answer(text: string): Answer {
  const body = Buffer.from(text);
  const headers = ['Content-Length', String(body.length)];
  return { status: 200, headers, body: pool.from(body) };
}

const REFUSED: Answer = { status: 403, headers: ['Content-Length', '0'], body: undefined };

/** Tells what it gets at /digest; leaves everything else to node:http. */
function echo(listener?: RequestListener): LaneServer {
  const server = new LaneServer({ pool }, listener);
  server.handler.later.set('/digest', async request => {
    const body = await read(request);
    return answer(`${request.method} ${body.length} ${digest(body)}`);
  });
  return server;
}
const head = (method: string, target: string, ...lines: string[]): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: test', ...lines, '', ''].join('\r\n');
const stated = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(head('POST', '/digest', `Content-Length: ${bytes.length}`)), bytes]);

function chunked(bytes: Buffer, size: number): Buffer {
  const parts: Buffer[] = [Buffer.from(head('PUT', '/digest', CHUNKED))];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

const KIB = 1024;
const EDGES = [1, 2048, 16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 3 * 1024 * KIB];

test('bodies of sizes around every boundary arrive whole, and what is behind them is answered', async () => {
  await using server = echo();
  server.handler.file('/file', 'a file');
  const client = await server.connect();
  const headLength = stated(Buffer.alloc(64 * KIB)).length - 64 * KIB;
  const sizes = [...EDGES, 64 * KIB - headLength].flatMap(edge => [edge - 1, edge, edge + 1]);
  for (const size of sizes.filter(each => each > 0 && each <= BYTES.length)) {
    const bytes = BYTES.subarray(0, size);
    for (const [method, request] of [
      ['POST', stated(bytes)],
      ['PUT', chunked(bytes, 1)],
      ['PUT', chunked(bytes, 5000)],
      ['PUT', chunked(bytes, 200_000)],
    ] as const) {
      if (request.length > 2 * BYTES.length) continue;
      client.socket.write(Buffer.concat([request, Buffer.from(head('GET', '/file'))]));
      assert.equal((await client.response()).body.toString(), `${method} ${size} ${digest(bytes)}`);
      assert.equal((await client.response()).body.toString(), 'a file');
    }
  }
  assert.equal(server.lane.connections, 1, 'the connection has stayed in the lane');
});

test('a small body that comes with its head is there at once', async () => {
  await using server = echo();
  const seen: (string | undefined)[] = [];
  server.handler.now.set('/now', request => {
    using whole = request.body?.whole?.();
    seen.push(whole?.toString());
    return answer('seen');
  });
  const client = await server.connect();
  const requests = [
    `${head('POST', '/now', 'Content-Length: 4')}abcd`,
    `${head('PATCH', '/now', CHUNKED)}2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n`,
    head('DELETE', '/now'),
    head('POST', '/now', 'Content-Length: 0'),
  ];
  client.socket.write(requests.join('') + requests.join(''));
  for (let i = 0; i < 8; i++) assert.equal((await client.response()).body.toString(), 'seen');
  assert.deepEqual(seen, ['abcd', 'abcd', undefined, undefined, 'abcd', 'abcd', undefined, undefined]);
  assert.equal(server.lane.connections, 1);
});

test('a body arrives a byte at a time', async () => {
  await using server = echo();
  const bytes = BYTES.subarray(0, 20);
  for (const request of [stated(bytes), chunked(bytes, 7)]) {
    const client = await server.connect();
    client.socket.setNoDelay(true);
    const start = request.indexOf('\r\n\r\n') + 4;
    client.socket.write(request.subarray(0, start));
    for (let at = start; at < request.length; at++) {
      await new Promise<void>(resolve => client.socket.write(request.subarray(at, at + 1), () => resolve()));
      await new Promise(setImmediate);
    }
    assert.match((await client.response()).body.toString(), new RegExp(` 20 ${digest(bytes)}$`));
  }
});

test('what the handler leaves to others has its body unread, whatever of it came', async () => {
  await using server = echo(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    response.end(`node ${digest(Buffer.concat(pieces))}`);
  });
  for (const size of [3, 100_000, BYTES.length]) {
    const client = await server.connect();
    const bytes = BYTES.subarray(0, size);
    client.socket.write(stated(bytes).toString('latin1').replace('/digest', '/other'), 'latin1');
    assert.equal((await client.response()).body.toString(), `node ${digest(bytes)}`);
  }
  assert.equal(server.lane.connections, 0);
});

test('without a pool requests with bodies are for node:http', async () => {
  await using server = new LaneServer();
  server.handler.now.set('/digest', () => assert.fail('asked'));
  const client = await server.connect();
  client.socket.write(stated(Buffer.from('abc')));
  assert.equal((await client.response()).body.toString(), 'node POST /digest');
});

const NONE = '0\r\n\r\n';
/** What may be taken for one request by one parser, and for two by another. */
const SMUGGLED = head('GET', '/smuggled');
const post = (...lines: string[]): string => head('POST', '/digest', ...lines);
const HOSTILE: Record<string, string> = {
  'both lengths': `${post('Content-Length: 4', CHUNKED)}${NONE}${SMUGGLED}`,
  'both, the other way round': `${post(CHUNKED, 'Content-Length: 5')}${NONE}${SMUGGLED}`,
  'two lengths': `${post('Content-Length: 0', 'Content-Length: 44')}${SMUGGLED}`,
  'the same length twice': `${post('Content-Length: 3', 'Content-Length: 3')}abc${SMUGGLED}`,
  'a list of lengths': `${post('Content-Length: 3, 3')}abc${SMUGGLED}`,
  'a length with a sign': `${post('Content-Length: +3')}abc${SMUGGLED}`,
  'a negative length': `${post('Content-Length: -3')}abc${SMUGGLED}`,
  'a length with a zero before it': `${post('Content-Length: 03')}abc${SMUGGLED}`,
  'a length in hexadecimal': `${post('Content-Length: 0x3')}abc${SMUGGLED}`,
  'a length with a space': `${post('Content-Length: 3 0')}abc${SMUGGLED}`,
  'a huge length': `${post('Content-Length: 18446744073709551619')}abc${SMUGGLED}`,
  'a length with a tab': `${post('Content-Length:\t3')}abc${SMUGGLED}`,
  'a length whose name has a space': `${post('Content-Length : 3')}abc${SMUGGLED}`,
  'a length in a folded line': `${post('Content-Length:', ' 3')}abc${SMUGGLED}`,
  'a coding twice': `${post('Transfer-Encoding: chunked, chunked')}${NONE}${SMUGGLED}`,
  'two codings': `${post('Transfer-Encoding: gzip, chunked')}${NONE}${SMUGGLED}`,
  'two lines of codings': `${post(CHUNKED, 'Transfer-Encoding: identity')}${NONE}${SMUGGLED}`,
  'another coding': `${post('Transfer-Encoding: xchunked')}${NONE}${SMUGGLED}`,
  'the coding of identity': `${post('Transfer-Encoding: identity')}${SMUGGLED}`,
  'a coding in capitals': `${post('Transfer-Encoding: Chunked')}${NONE}${SMUGGLED}`,
  'a coding behind a tab': `${post('Transfer-Encoding:\tchunked')}${NONE}${SMUGGLED}`,
  'a coding with a vertical tab': `${post('Transfer-Encoding: \vchunked')}${NONE}${SMUGGLED}`,
  'a coding with a parameter': `${post('Transfer-Encoding: chunked;q=1')}${NONE}${SMUGGLED}`,
  'a length of a GET': `${head('GET', '/digest', 'Content-Length: 3')}abc${SMUGGLED}`,
  'chunks of a GET': `${head('GET', '/digest', CHUNKED)}${NONE}${SMUGGLED}`,
  'HTTP/1.0': `${post('Content-Length: 3').replace('HTTP/1.1', 'HTTP/1.0')}abc${SMUGGLED}`,
  'HTTP/1.0 in chunks': `${post(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0')}${NONE}${SMUGGLED}`,
  'a trailer': `${post(CHUNKED)}0\r\nX: y\r\n\r\n${SMUGGLED}`,
  'a size with a space': `${post(CHUNKED)}0 \r\n\r\n${SMUGGLED}`,
  'a line feed alone behind a size': `${post(CHUNKED)}0\n\n${SMUGGLED}`,
  'a size that wraps': `${post(CHUNKED)}10000000000000003\r\nabc\r\n${NONE}${SMUGGLED}`,
  'a line feed in an extension': `${post(CHUNKED)}3;a\nb\r\nabc\r\n${NONE}${SMUGGLED}`,
  'another expectation': `${post('Content-Length: 3', 'Expect: more')}abc${SMUGGLED}`,
  'an upgrade': `${post('Content-Length: 3', 'Connection: upgrade', 'Upgrade: x')}abc${SMUGGLED}`,
  'a method in lower case': `${head('post', '/digest', 'Content-Length: 3')}abc${SMUGGLED}`,
  'a method that begins like one': `${head('POSTX', '/digest', 'Content-Length: 3')}abc${SMUGGLED}`,
};

async function portOf(t: TestContext, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as { port: number }).port;
}

/** Sends something, and no more. @returns the statuses of what comes back */
async function statusesOf(port: number, text: string): Promise<string[]> {
  using client = new RawClient(port, text);
  client.socket.end();
  const answers = await client.whole();
  return answers.match(/^HTTP\/1\.1 \d+/gm) ?? [];
}

test('what is odd about where a body ends is for node:http, and is what that says', async t => {
  const asked: string[] = [];
  const listener: RequestListener = async (request, response) => {
    const seen = `${request.method} ${request.url}`;
    asked.push(seen);
    request.on('error', () => {});
    try {
      for await (const _ of request);
      response.end('seen');
    } catch {
      // The client has left.
    }
  };
  await using server = new LaneServer({ pool }, listener);
  for (const target of ['/digest', '/smuggled']) {
    server.handler.later.set(target, async request => {
      asked.push(`${request.method} ${request.target}`);
      await read(request);
      return answer('seen');
    });
  }
  const port = await server.port();
  const alone = await portOf(t, createServer(listener));
  for (const [what, text] of Object.entries(HOSTILE)) {
    asked.length = 0;
    const theirs = await statusesOf(alone, text);
    const askedThere = asked.splice(0);
    const ours = await statusesOf(port, text);
    assert.deepEqual(ours, theirs, what);
    assert.deepEqual(asked, askedThere, what);
  }
});

test('chunks that turn out to be none end the connection with 400, and who reads them is told', async () => {
  await using server = echo();
  let failure: unknown;
  let begun = (): void => {};
  const isRead = new Promise<void>(resolve => {
    begun = resolve;
  });
  server.handler.later.set('/read', async request => {
    try {
      for await (const piece of request.body ?? []) {
        piece.release();
        begun();
      }
    } catch (error) {
      failure = error;
    }
    return answer('too late');
  });
  const client = await server.connect();
  client.socket.write(`${head('POST', '/read', CHUNKED)}3\r\nabc\r\n`);
  await watchdog(isRead, 'the first piece');
  client.socket.write(`zz\r\n${SMUGGLED}`);
  const response = await client.response();
  assert.equal(response.status, 400);
  assert.equal(response.headers.connection, 'close');
  await client.end();
  assert.equal((failure as { code?: string }).code, 'ERR_IOLITE_PEER');
});

test('a client that leaves half way gives up the request, and what came is released', async () => {
  const uploads = createPool({ name: 'uploads' });
  await using server = new LaneServer({ pool: uploads });
  let failed = (_: unknown): void => {};
  const failure = new Promise(resolve => {
    failed = resolve;
  });
  let begun = (): void => {};
  const isRead = new Promise<void>(resolve => {
    begun = resolve;
  });
  server.handler.later.set('/read', async request => {
    try {
      for await (const piece of request.body ?? []) {
        piece.release();
        begun();
      }
    } catch (error) {
      failed(error);
    }
    return answer('too late');
  });
  for (const leave of ['resetAndDestroy', 'end'] as const) {
    const client = await server.connect();
    client.socket.write(head('POST', '/read', 'Content-Length: 1000000'));
    client.socket.write(BYTES.subarray(0, 300_000));
    await watchdog(isRead, 'the first piece');
    client.socket[leave]();
    assert.equal(((await watchdog(failure, 'the failure')) as { code: string }).code, 'ERR_IOLITE_PEER');
  }
  while (server.lane.connections > 0) await new Promise(setImmediate);
  uploads.close();
  assert.equal(uploads.stats().chunks, 0);
});

test('an answer may come before the body is read; behind a short rest the connection goes on', async () => {
  await using server = echo();
  server.handler.now.set('/refused', () => REFUSED);
  const bytes = BYTES.subarray(0, 200_000);
  for (const request of [stated(bytes), chunked(bytes, 3000)]) {
    const client = await server.connect();
    const text = request.toString('latin1').replace('/digest', '/refused');
    client.socket.write(text.slice(0, 100), 'latin1');
    const refused = await client.response();
    assert.equal(refused.status, 403);
    assert.equal(refused.headers.connection, undefined);
    client.socket.write(text.slice(100), 'latin1');
    client.socket.write(stated(bytes));
    assert.equal((await client.response()).body.toString(), `POST 200000 ${digest(bytes)}`);
  }
});

test('behind an answer to a body that is long, and that nobody wants, the connection ends', async () => {
  await using server = echo();
  server.handler.now.set('/refused', () => REFUSED);
  const client = await server.connect();
  client.socket.write(head('POST', '/refused', `Content-Length: ${BYTES.length}`));
  const refused = await client.response();
  assert.equal(refused.headers.connection, 'close');
  // The answer is not lost, though more comes.
  client.socket.write(BYTES);
  await client.end();
  const endless = await server.connect();
  endless.socket.write(`${head('POST', '/refused', CHUNKED)}ffffff\r\n`);
  assert.equal((await endless.response()).status, 403);
  endless.socket.write(BYTES);
  await endless.end();
});

test('a client that waits to be told to go on is told when its body is wanted, and only then', async () => {
  await using server = echo();
  server.handler.now.set('/refused', () => REFUSED);
  const client = await server.connect();
  client.socket.write(head('POST', '/digest', 'Content-Length: 3', 'Expect: 100-continue'));
  assert.equal((await client.response()).status, 100);
  client.socket.write('abc');
  assert.match((await client.response()).body.toString(), /^POST 3 /);
  client.socket.write(head('POST', '/refused', 'Content-Length: 3', 'Expect: 100-continue'));
  const refused = await client.response();
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.connection, 'close');
  await client.end();
});

test('a client sends no faster than its body is read', async () => {
  const uploads = createPool({ name: 'uploads' });
  await using server = new LaneServer({ pool: uploads });
  let goOn = (): void => {};
  const isHeld = new Promise<void>(resolve => {
    goOn = resolve;
  });
  server.handler.later.set('/slow', async request => {
    const body = request.body?.[Symbol.asyncIterator]() as AsyncIterator<Aggregate>;
    const first = await body.next();
    let length = first.value.length;
    first.value.release();
    await isHeld;
    for (let next = await body.next(); next.done !== true; next = await body.next()) {
      length += next.value.length;
      next.value.release();
    }
    return answer(String(length));
  });
  const client = await server.connect();
  const total = 64 * 1024 ** 2;
  client.socket.write(head('POST', '/slow', `Content-Length: ${total}`));
  for (let sent = 0; sent < total; sent += 1024 ** 2) client.socket.write(Buffer.alloc(1024 ** 2));
  // What is in the pool comes to rest far below what is sent.
  let before = -1;
  for (let rests = 0; rests < 200; ) {
    const { bytesMapped } = uploads.stats();
    rests = bytesMapped === before ? rests + 1 : 0;
    before = bytesMapped;
    await new Promise(setImmediate);
  }
  assert.ok(before <= 4 * 1024 ** 2, `${before} bytes wait`);
  goOn();
  assert.equal((await client.response()).body.toString(), String(total));
});

test('a client that stops sending in the middle of a body gets 408', async () => {
  await using server = echo();
  server.server.requestTimeout = 1000;
  const client = await server.connect();
  client.socket.write(`${head('POST', '/digest', 'Content-Length: 10')}abc`);
  const response = await client.response();
  assert.equal(response.status, 408);
  assert.equal(response.headers.connection, 'close');
  await client.end();
});

test('a pool that is full refuses a body, and the next one is taken', async () => {
  const uploads = createPool({ name: 'uploads', limit: 1200 * 1024 });
  await using server = new LaneServer({ pool: uploads });
  server.handler.later.set('/read', async request => {
    const kept: Aggregate[] = [];
    try {
      for await (const piece of request.body ?? []) kept.push(piece);
      return answer('all of it');
    } catch (error) {
      return answer((error as { code: string }).code);
    } finally {
      for (const piece of kept) piece.release();
    }
  });
  for (const [size, wanted] of [
    [BYTES.length, 'ERR_IOLITE_LIMIT'],
    [500_000, 'all of it'],
  ] as const) {
    const client = await server.connect();
    client.socket.write(head('POST', '/read', `Content-Length: ${size}`));
    client.socket.write(BYTES.subarray(0, size));
    assert.equal((await client.response()).body.toString(), wanted);
    client.socket.destroy();
  }
});

test('an answer in pieces goes out while the body still comes', async () => {
  await using server = echo();
  server.handler.later.set('/back', request => ({
    status: 200,
    headers: [],
    body: request.body as AsyncIterable<Aggregate>,
  }));
  server.handler.file('/file', 'a file');
  const client = await server.connect();
  client.socket.write(head('POST', '/back', `Content-Length: ${BYTES.length}`));
  client.socket.write(BYTES);
  client.ask('/file');
  assert.equal(digest((await client.response()).body), digest(BYTES));
  assert.equal((await client.response()).body.toString(), 'a file');
});

test('over TLS bodies arrive in the same way', async t => {
  const folder = new Folder();
  t.after(() => folder[Symbol.dispose]());
  const handler = handlerOf(async request => {
    const body = await read(request);
    return answer(`${body.length} ${digest(body)}`);
  });
  await using server = createIolite({ handler, tls: certificateFor(folder, 'localhost') });
  await server.listen(0, '127.0.0.1');
  const port = server.address()?.port as number;
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await watchdog(once(socket, 'secureConnect'), 'a connection');
  const client = new Client(socket);
  for (const size of [1, 5000, 64 * KIB, BYTES.length]) {
    const bytes = BYTES.subarray(0, size);
    for (const request of [stated(bytes), chunked(bytes, 10_000)]) {
      socket.write(request);
      assert.equal((await client.response()).body.toString(), `${size} ${digest(bytes)}`);
    }
  }
  socket.destroy();
});

test('many upload at once, and none is mixed up with another', async () => {
  await using server = echo();
  const port = await server.port();
  const all = Array.from({ length: 60 }, async (_, i) => {
    const socket = connect(port, '127.0.0.1');
    const client = new Client(socket);
    const bytes = BYTES.subarray(i * 1000, i * 1000 + 400_000 + i);
    for (let round = 0; round < 3; round++) {
      socket.write(round % 2 === 0 ? stated(bytes) : chunked(bytes, 30_000 + i));
      assert.match(
        (await client.response()).body.toString(),
        new RegExp(` ${bytes.length} ${digest(bytes)}$`),
      );
    }
    socket.destroy();
  });
  await watchdog(Promise.all(all), 'all uploads', 60_000);
});

test('bodies wait for room in a full pool, also those that came whole, and are answered', async () => {
  using small = createPool({ name: 'uploads', limit: 2 * 1024 ** 2 });
  await using server = new LaneServer({ pool: small });
  let asked = 0;
  server.handler.later.set('/digest', async request => {
    asked += 1;
    const { body } = request;
    using whole = body?.whole?.();
    const bytes = whole?.toBuffer() ?? (await read(request));
    return answer(digest(bytes));
  });
  const held = small.from(Buffer.alloc(1.9 * 1024 ** 2));
  const requests = [
    stated(BYTES.subarray(0, 100)),
    stated(BYTES.subarray(0, 60_000)),
    chunked(BYTES.subarray(0, 500), 7),
  ];
  const clients = await Promise.all(requests.map(() => server.connect()));
  for (const [i, client] of clients.entries()) client.socket.write(requests[i] as Buffer);
  while (asked < clients.length) await new Promise(setImmediate);
  held.release();
  for (const [i, length] of [100, 60_000, 500].entries()) {
    const { status, body } = await (clients[i] as Client).response();
    assert.deepEqual([status, body.toString()], [200, digest(BYTES.subarray(0, length))]);
  }
});
