import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { attachFastLane } from '../../../src/http/fast-lane/fast-lane.ts';
import type { Answer, Handler } from '../../../src/http/message/exchange.ts';
import { libc } from '../../../src/os/libc.ts';
import { type Client, LaneServer, stream, TableHandler } from '../../support/lane-server.ts';
import { someBytes } from '../../support/tcp-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A promise that is settled from outside. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>(settle => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Nothing of the answers' memory is held any more. */
function assertReleased(server: LaneServer): void {
  server.handler.close();
  assert.equal(server.handler.pool.stats().chunks, 0);
}

test('requests of one connection are answered in order, whoever answers', async () => {
  await using server = new LaneServer();
  server.handler.file('/now', 'now');
  server.handler.slowFile('/later', 'later');
  const client = await server.connect();
  for (const [target, body] of [
    ['/now', 'now'],
    ['/later', 'later'],
    ['/now', 'now'],
    ['/now', 'now'],
    ['/later', 'later'],
    ['/other', 'node GET /other'],
    ['/now', 'node GET /now'], // Once handed over, the connection stays there.
  ] as const) {
    const before = Date.now();
    client.ask(target);
    const response = await client.response();
    assert.deepEqual([response.status, response.body.toString()], [200, body]);
    // In whole seconds, and the lane's is made once a second.
    const date = Date.parse(response.headers.date as string);
    assert.ok(date > before - 3000 && date <= Date.now(), `${response.headers.date}`);
  }
  assert.equal(server.lane.connections, 0);
});

test('pipelined requests are answered in order, whoever answers, however they are cut', async () => {
  await using server = new LaneServer();
  server.handler.file('/small', 'small');
  const large = someBytes(700_000);
  server.handler.file('/large', large);
  server.handler.slowFile('/later', 'later');
  for (const target of ['/small', '/large']) {
    server.handler.told.set(`${target}-told`, answered => {
      const answer = server.handler.now.get(target) as () => Answer;
      const soon = setImmediate(() => answered(answer()));
      return () => clearImmediate(soon);
    });
  }
  const expected: Record<string, string> = {
    '/small-told': 'small',
    '/large-told': large.toString('latin1'),
    '/small': 'small',
    '/large': large.toString('latin1'),
    '/later': 'later',
    '/other': 'node GET /other',
  };
  for (const order of [
    ['/small', '/small', '/small'],
    ['/small', '/large', '/small', '/later', '/large', '/large', '/small'],
    ['/later', '/later', '/small', '/other', '/small'],
    ['/small-told', '/small-told', '/large-told', '/small', '/later', '/large-told', '/small-told', '/other'],
    ['/large', '/other'],
    [
      ...Array.from({ length: 200 }, () => '/small'),
      '/later',
      ...Array.from({ length: 200 }, () => '/small'),
    ],
  ]) {
    for (const warm of [false, true]) {
      const client = await server.connect();
      if (warm) {
        // Later requests are read into the common buffer.
        for (let i = 0; i < 2; i++) {
          client.ask('/small');
          await client.response();
        }
      }
      client.send(...order.map(target => ['GET', target] as [string, string]));
      let handedOver = false;
      for (const target of order) {
        const { body } = await client.response();
        if (target === '/other') handedOver = true;
        const wanted = handedOver ? `node GET ${target}` : expected[target];
        assert(body.toString('latin1') === wanted, `${target} of ${order.length}`);
      }
      client.socket.destroy();
    }
  }
});

test('HEAD gets the head alone, of files and of streams', async () => {
  await using server = new LaneServer();
  const { now, later } = server.handler;
  server.handler.file('/file', 'file');
  server.handler.slowFile('/later', 'later');
  let closed = 0;
  later.set('/stream', () => ({
    status: 200,
    headers: [],
    body: {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          closed += 1;
          return { done: true, value: undefined };
        },
      }),
    },
  }));
  now.set('/none', () => ({ status: 404, headers: [], body: undefined }));
  const client = await server.connect();
  client.send(
    ['HEAD', '/file'],
    ['HEAD', '/later'],
    ['HEAD', '/stream'],
    ['HEAD', '/none'],
    ['GET', '/file'],
  );
  assert.equal((await client.response('HEAD')).headers['content-length'], '4');
  assert.equal((await client.response('HEAD')).headers['content-length'], '5');
  assert.equal((await client.response('HEAD')).headers['transfer-encoding'], 'chunked');
  assert.equal((await client.response('HEAD')).status, 404);
  assert.equal((await client.response()).body.toString(), 'file');
  assert.equal(closed, 1);
  client.socket.destroy();
  while (server.lane.connections > 0) await new Promise(setImmediate);
  assertReleased(server);
});

test('answers are framed by what they are', async () => {
  await using server = new LaneServer();
  const { pool, now, later } = server.handler;
  now.set('/unmeasured', () => ({ status: 200, headers: ['X-A', 'b'], body: pool.from('five.') }));
  now.set('/nothing', () => ({ status: 404, headers: [], body: undefined }));
  now.set('/unchanged', () => ({ status: 304, headers: ['ETag', '"a"'], body: undefined }));
  later.set('/chunks', () => ({ status: 200, headers: [], body: stream(pool, 'one ', '', 'two') }));
  later.set('/measured', () => ({
    status: 200,
    headers: ['content-length', '7'],
    body: stream(pool, 'one ', '', 'two'),
  }));
  now.set('/now-chunks', () => ({ status: 200, headers: [], body: stream(pool, 'three') }));
  const client = await server.connect();
  for (const [target, status, body, header, value] of [
    ['/unmeasured', 200, 'five.', 'content-length', '5'],
    ['/nothing', 404, '', 'content-length', '0'],
    ['/unchanged', 304, '', 'content-length', undefined],
    ['/chunks', 200, 'one two', 'transfer-encoding', 'chunked'],
    ['/measured', 200, 'one two', 'transfer-encoding', undefined],
    ['/now-chunks', 200, 'three', 'transfer-encoding', 'chunked'],
  ] as const) {
    client.ask(target);
    const response = await client.response();
    assert.deepEqual(
      [response.status, response.body.toString(), response.headers[header]],
      [status, body, value],
    );
  }
});

test('handlers see what was asked', async () => {
  await using server = new LaneServer();
  const seen: unknown[] = [];
  server.handler.now.set('/a?b=c', request => {
    seen.push(request.method, request.target, request.secure, request.body, request.remoteAddress);
    seen.push(request.header('range'), request.header('accept'), request.rawHeaders);
    return { status: 206, headers: [], body: undefined };
  });
  const client = await server.connect();
  client.ask('/a?b=c', 'RANGE: bytes=0-1');
  assert.equal((await client.response()).status, 206);
  assert.deepEqual(seen, [
    ...['GET', '/a?b=c', false, undefined, '127.0.0.1'],
    ...['bytes=0-1', undefined, ['Host', 'test', 'RANGE', 'bytes=0-1']],
  ]);
});

test('hints go ahead of an answer that takes time', async () => {
  await using server = new LaneServer();
  server.handler.file('/now', 'now');
  const { pool, later } = server.handler;
  later.set('/later', async request => {
    request.earlyHints?.(['</a.css>; rel=preload', '</b.js>; rel=preload']);
    await new Promise(setImmediate);
    return { status: 200, headers: [], body: pool.from('later') };
  });
  later.set('/split', async request => {
    request.earlyHints?.(['a\r\nX-B: b']);
    return undefined;
  });
  const client = await server.connect();
  client.send(['GET', '/now'], ['GET', '/later'], ['GET', '/now']);
  assert.equal((await client.response()).body.toString(), 'now');
  const hints = await client.response();
  assert.deepEqual([hints.status, hints.headers], [103, { link: '</b.js>; rel=preload' }]);
  assert.equal((await client.response()).body.toString(), 'later');
  assert.equal((await client.response()).body.toString(), 'now');
  client.ask('/split');
  assert.equal((await client.response()).status, 500);
});

test('a connection ends with the answer when the client says so', async () => {
  await using server = new LaneServer();
  server.handler.file('/now', 'now');
  server.handler.slowFile('/later', 'later');
  server.handler.file('/large', someBytes(3_000_000));
  for (const target of ['/now', '/later', '/large', '/other']) {
    const client = await server.connect();
    client.send(['GET', target, ['Connection: close']]);
    assert.equal((await client.response()).headers.connection, 'close');
    await client.end();
    client.socket.end();
  }
});

test('what comes behind the last request is not answered, and the answer is not lost', async () => {
  await using server = new LaneServer();
  server.handler.file('/large', someBytes(3_000_000));
  const client = await server.connect();
  client.send(['GET', '/large', ['Connection: close']], ['GET', '/large']);
  assert.equal((await client.response()).body.length, 3_000_000);
  await client.end();
});

test('a client that has ended its side gets its answers', async () => {
  await using server = new LaneServer();
  server.handler.file('/now', 'now');
  server.handler.file('/large', someBytes(3_000_000));
  for (const warm of [0, 2]) {
    const client = await server.connect();
    for (let i = 0; i < warm; i++) {
      client.ask('/now');
      await client.response();
    }
    client.send(['GET', '/now'], ['GET', '/large']);
    client.socket.end();
    assert.equal((await client.response()).body.toString(), 'now');
    assert.equal((await client.response()).body.length, 3_000_000);
    await client.end();
  }
});

test('a handler is told that the client is gone, and its late answer is released', async () => {
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    await using server = new LaneServer();
    const { pool, later } = server.handler;
    const asked = deferred<AbortSignal>();
    const answer = deferred<void>();
    later.set('/never', async (_request, signal) => {
      asked.resolve(signal);
      await answer.promise;
      return { status: 200, headers: [], body: pool.from('late') };
    });
    const client = await server.connect();
    client.ask('/never');
    const signal = await watchdog(asked.promise, 'the handler');
    const aborted = once(signal, 'abort');
    client.socket[leave]();
    await watchdog(aborted, 'the signal');
    answer.resolve();
    if (leave === 'end') assert.equal((await client.response()).body.toString(), 'late');
    await client.end();
  }
});

test('a handler without a promise hears that the client is gone; a late answer is released', async () => {
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    await using server = new LaneServer();
    const { pool, told } = server.handler;
    const asked = deferred<void>();
    const givenUp = deferred<void>();
    const body = pool.from('late');
    let times = 0;
    told.set('/never', answered => {
      asked.resolve();
      return () => {
        times += 1;
        answered({ status: 200, headers: [], body });
        givenUp.resolve();
      };
    });
    const client = await server.connect();
    client.ask('/never');
    await watchdog(asked.promise, 'the handler');
    client.socket[leave]();
    await watchdog(givenUp.promise, 'the giving up');
    // A client that ended its side only may still read: an answer that is given nevertheless is sent.
    if (leave === 'end') assert.equal((await client.response()).body.toString(), 'late');
    await client.end();
    assert.deepEqual([times, body.released], [1, true]);
  }
});

test('a handler that fails answers 500, tells why, and the connection goes on', async () => {
  const failures: unknown[] = [];
  await using server = new LaneServer({
    failed: (error, { target }) => failures.push([target, (error as Error).message]),
  });
  server.handler.file('/fine', 'fine');
  const { now, later, told, pool } = server.handler;
  now.set('/throws', () => {
    throw new Error('a bug');
  });
  told.set('/throws-too', () => {
    throw new Error('a bug');
  });
  now.set('/split', () => ({ status: 200, headers: ['X-A', 'a\r\nX-B: b'], body: pool.from('x') }));
  now.set('/status', () => ({ status: 99, headers: [], body: undefined }));
  later.set('/rejects', async () => {
    throw new Error('a bug');
  });
  for (const target of ['/throws', '/throws-too', '/split', '/status', '/rejects']) {
    const client = await server.connect();
    client.ask(target);
    const { status, headers, body } = await client.response();
    assert.deepEqual([status, body.toString()], [500, 'Internal Server Error\n'], target);
    assert.equal(headers['x-content-type-options'], 'nosniff', target);
    client.ask('/fine');
    assert.equal((await client.response()).body.toString(), 'fine', target);
    client.socket.end();
  }
  assert.deepEqual(
    failures.map(failure => (failure as string[])[0]),
    ['/throws', '/throws-too', '/split', '/status', '/rejects'],
  );
  server.handler.close();
});

test('a handler of promises, as they are no more, is refused with a code and without a wait', async () => {
  const failures: unknown[] = [];
  const handler = { answer: async () => assert.fail('nobody hears of it') } as unknown as Handler;
  const front = createServer((_, response) => response.end('node'));
  attachFastLane(front, handler, { failed: error => failures.push((error as { code?: unknown }).code) });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const { port } = front.address() as AddressInfo;
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 500);
  assert.deepEqual(failures, ['ERR_IOLITE_ARGUMENT']);
  front.closeAllConnections();
  front.close();
});

test('answers that are told while others are put together go to whom they are for', async () => {
  // One handler answers the requests of two connections at once, in the midst of a third's pipeline.
  await using server = new LaneServer();
  const { now, told, pool } = server.handler;
  const waiting: ((answer: Answer) => void)[] = [];
  told.set('/wait', answered => {
    waiting.push(answered);
    return () => {};
  });
  const answer = (text: string): Answer => ({ status: 200, headers: [], body: pool.from(text) });
  now.set('/go', () => {
    for (const [place, answered] of waiting.splice(0).entries()) answered(answer(`waited ${place}`));
    return answer('go');
  });
  server.handler.file('/first', 'first');
  const clients = [await server.connect(), await server.connect()];
  for (const client of clients) client.ask('/wait');
  const third = await server.connect();
  await watchdog(
    new Promise<void>(resolve => {
      const look = (): void => void (waiting.length === 2 ? resolve() : setImmediate(look));
      look();
    }),
    'both requests',
  );
  third.send(['GET', '/first'], ['GET', '/go'], ['GET', '/first']);
  for (const text of ['first', 'go', 'first']) {
    assert.equal((await third.response()).body.toString(), text);
  }
  for (const [place, client] of clients.entries()) {
    assert.equal((await client.response()).body.toString(), `waited ${place}`);
  }
  server.handler.close();
});

test('a stream that fails midway ends the connection before its end', async () => {
  await using server = new LaneServer();
  const { pool, later } = server.handler;
  later.set('/broken', () => ({
    status: 200,
    headers: [],
    body: (async function* () {
      yield pool.from('part');
      throw new Error('a bug');
    })(),
  }));
  const client = await server.connect();
  client.ask('/broken');
  await assert.rejects(client.response(), /ended before/);
});

test('a client that resets midway costs its own answer alone', async () => {
  await using server = new LaneServer();
  server.handler.file('/large', someBytes(8 * 1024 ** 2));
  server.handler.file('/small', 'small');
  const bystander = await server.connect();
  for (let i = 0; i < 20; i++) {
    const client = await server.connect();
    client.ask('/large');
    await once(client.socket, 'data');
    client.socket.resetAndDestroy();
    bystander.ask('/small');
    assert.equal((await bystander.response()).body.toString(), 'small');
  }
  bystander.socket.destroy();
  while (server.lane.connections > 0) await new Promise(setImmediate);
  assertReleased(server);
});

test('requests that the grammar does not admit are answered by node:http, with their bodies', async () => {
  await using server = new LaneServer({}, async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    response.end(`node ${request.method} ${body}`);
  });
  server.handler.file('/', 'lane');
  for (const warm of [0, 1, 2, 3]) {
    const client = await server.connect();
    for (let i = 0; i < warm; i++) {
      client.ask('/');
      assert.equal((await client.response()).body.toString(), 'lane');
    }
    // In pieces: node:http is given what came, and reads the rest itself.
    client.socket.write('POST / HTTP/1.1\r\nHost: test\r\nContent-Le');
    await new Promise(setImmediate);
    client.socket.write('ngth: 5\r\n\r\nhel');
    await new Promise(setImmediate);
    client.socket.write('loGET / HTTP/1.1\r\nHost: test\r\n\r\n');
    assert.equal((await client.response()).body.toString(), 'node POST hello');
    assert.equal((await client.response()).body.toString(), 'node GET ');
    client.socket.destroy();
  }
  const garbage = await server.connect();
  garbage.socket.write('\x16\x03\x01garbage\r\n\r\n');
  assert.equal((await garbage.response().catch(() => ({ status: 400 }))).status, 400);
});

test('upgrades reach node:http', async () => {
  await using server = new LaneServer();
  server.server.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n'),
  );
  const client = await server.connect();
  client.send(['GET', '/', ['Connection: Upgrade', 'Upgrade: websocket']]);
  assert.equal((await client.response().catch(error => error)).status, 101);
});

test('clients of node:http get the same from the lane, keeping their connections', async () => {
  await using server = new LaneServer();
  const bytes = someBytes(100_000);
  server.handler.file('/file', bytes);
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const get = async (): Promise<Buffer> => {
    const request = httpRequest({ host: '127.0.0.1', port: await server.port(), path: '/file', agent });
    request.end();
    const [response] = await once(request, 'response');
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  for (let i = 0; i < 10; i++) {
    const all = await watchdog(Promise.all(Array.from({ length: 10 }, get)), 'answers');
    for (const body of all) assert(body.equals(bytes));
  }
  assert(server.lane.connections <= 2);
  agent.destroy();
});

test('connections that idle, send nothing, or take nothing are ended', async () => {
  await using server = new LaneServer({ sendTimeout: 1000 });
  server.handler.file('/small', 'small');
  server.handler.file('/large', someBytes(32 * 1024 ** 2));
  const idle = await server.connect();
  idle.ask('/small');
  await idle.response();
  // From now on: how long it took to be answered makes no difference.
  server.server.keepAliveTimeout = 1000;
  server.server.headersTimeout = 1000;
  const silent = await server.connect();
  const slow: Client = await server.connect();
  slow.ask('/large');
  slow.socket.pause();
  await silent.end();
  await idle.end();
  const ended = async (): Promise<void> => {
    while (server.lane.connections > 0) await new Promise(setImmediate);
  };
  await watchdog(ended(), 'all connections to be ended');
  await assert.rejects(async () => {
    slow.socket.resume();
    await slow.response();
  });
});

test('close() ends connections with the answer under way, and at once without one', async () => {
  await using server = new LaneServer();
  const answer = deferred<void>();
  const asked = deferred<void>();
  server.handler.file('/now', 'now');
  server.handler.later.set('/later', async () => {
    asked.resolve();
    await answer.promise;
    return { status: 200, headers: [], body: undefined };
  });
  const [idle, busy] = [await server.connect(), await server.connect()];
  idle.ask('/now');
  await idle.response();
  busy.ask('/later');
  await asked.promise;
  const closed = new Promise(resolve => server.server.close(resolve));
  server.lane.close();
  await idle.end();
  idle.socket.end();
  answer.resolve();
  assert.equal((await busy.response()).headers.connection, 'close');
  await busy.end();
  busy.socket.end();
  await watchdog(closed, 'the server to close');
});

test('attachFastLane() refuses what is no server or no handler', () => {
  const handler = new TableHandler();
  for (const server of [undefined, null, {}] as never[]) {
    assert.throws(() => attachFastLane(server, handler), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const other of [undefined, null, {}, () => undefined] as never[]) {
    assert.throws(() => attachFastLane(createServer(), other), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.throws(() => attachFastLane(createServer(), handler, { sendTimeout: 0 }), {
    code: 'ERR_IOLITE_RANGE',
  });
});

test('bodies in memory that is never refilled go by reference, and come whole', async context => {
  const calls = context.mock.method(libc(), 'sendfile');
  const pool = createPool({ refill: false });
  await using server = new LaneServer();
  const sizes = [10_000, 16_384, 40_000, 61_441, 100_000];
  const bodies = sizes.map(size => someBytes(size));
  const kept = bodies.map(bytes => pool.from(bytes));
  for (const [i, size] of sizes.entries()) {
    const headers = ['Content-Length', String(size)];
    server.handler.now.set(`/${size}`, () => ({ status: 200, headers, body: kept[i]?.duplicate() }));
  }
  const client = await server.connect();
  for (let round = 0; round < 3; round++) {
    for (const [i, size] of sizes.entries()) {
      client.ask(`/${size}`);
      assert.ok((await client.response()).body.equals(bodies[i] as Buffer), `${size}`);
    }
  }
  assert.equal(calls.mock.callCount(), 6);
  // Together they go as a copy; and what a socket has no room for is sent later.
  const few = await server.connect();
  few.socket.pause();
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    const requests = sizes.map((size): [string, string] => ['GET', `/${size}`]);
    if (round % 2 === 0) few.send(...requests);
    else for (const [, target] of requests) few.ask(target);
  }
  few.socket.resume();
  for (let round = 0; round < rounds; round++) {
    for (const [i, size] of sizes.entries()) {
      assert.ok((await few.response()).body.equals(bodies[i] as Buffer), `${size}`);
    }
  }
  for (const body of kept) body.release();
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('an answer by reference beyond a full socket goes on; one that fails costs itself', async context => {
  const { sendfile } = libc();
  const pool = createPool({ refill: false });
  await using server = new LaneServer();
  const bytes = someBytes(40_000);
  const body = pool.from(bytes);
  const headers = ['Content-Length', '40000'];
  server.handler.now.set('/body', () => ({ status: 200, headers, body: body.duplicate() }));
  // The socket takes nothing, a part, and all but a byte.
  for (const most of [0, 1, 10_000, 39_999]) {
    const client = await server.connect();
    const calls = context.mock.method(
      libc(),
      'sendfile',
      (out: number, input: number, offset: Uint8Array | null, count: number) =>
        most === 0 ? 0 : sendfile(out, input, offset, Math.min(most, count)),
    );
    client.send(['GET', '/body'], ['GET', '/other']);
    client.ask('/body');
    assert.ok((await client.response()).body.equals(bytes));
    assert.equal((await client.response()).body.toString(), 'node GET /other');
    assert.ok(calls.mock.callCount() > 0);
    calls.mock.restore();
    client.socket.destroy();
  }
  const leaver = await server.connect();
  leaver.ask('/body');
  leaver.socket.resetAndDestroy();
  const client = await server.connect();
  client.ask('/body');
  assert.ok((await client.response()).body.equals(bytes));
  body.release();
  pool.close();
});

for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
  test(`who makes a body in pieces hears that the client is gone, though none comes (${leave})`, async () => {
    await using server = new LaneServer();
    const { later, pool } = server.handler;
    let closed: () => void = () => {};
    const isClosed = new Promise<void>(resolve => {
      closed = resolve;
    });
    later.set('/silent', () => {
      let pieces = 0;
      let end: (result: IteratorReturnResult<undefined>) => void = () => {};
      const body: AsyncIterableIterator<Aggregate, undefined> = {
        [Symbol.asyncIterator]: () => body,
        next: async () => {
          pieces += 1;
          if (pieces === 1) return { done: false, value: pool.from('first') };
          return new Promise(resolve => {
            end = resolve;
          });
        },
        return: async () => {
          end({ done: true, value: undefined });
          closed();
          return { done: true, value: undefined };
        },
      };
      return { status: 200, headers: [], body };
    });
    const client = connect({ port: await server.port(), host: '127.0.0.1', allowHalfOpen: true });
    const got: Buffer[] = [];
    client.on('data', bytes => got.push(bytes)).on('error', () => {});
    client.write('GET /silent HTTP/1.1\r\nHost: x\r\n\r\n');
    await watchdog(once(client, 'data'), 'the first piece');
    client[leave]();
    await watchdog(isClosed, 'the end of the body');
    if (leave === 'end') await watchdog(once(client, 'close'), 'the end of the connection');
    // It was not brought to the end that a whole body has.
    assert.doesNotMatch(Buffer.concat(got).toString(), /\r\n0\r\n\r\n$/);
    client.destroy();
  });
}
