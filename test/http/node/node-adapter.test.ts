import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
} from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import type { Answer, ServerRequest } from '../../../src/http/message/exchange.ts';
import { handlerOf } from '../../../src/http/message/promised-answer.ts';
import { handle, type NodeRequest, serverRequest } from '../../../src/http/node/node-adapter.ts';
import type { NodeResponse } from '../../../src/http/node/response-way.ts';
import { watchdog } from '../../support/watchdog.ts';
import { exchange } from '../support/site-server.ts';

type Answering = (request: ServerRequest, signal: AbortSignal) => Promise<Answer | undefined>;

interface Served {
  readonly port: number;
  /** The end of each handling: whether it was answered. */
  readonly ends: Promise<boolean>[];
}

/** A server in either protocol whose requests the function answers. */
async function serve(context: TestContext, protocol: 1 | 2, pool: Pool, answer: Answering): Promise<Served> {
  const handler = handlerOf(answer);
  const ends: Promise<boolean>[] = [];
  const listener = (incoming: NodeRequest, response: NodeResponse): void => {
    const end = handle(handler, serverRequest(incoming, { response, pool }), response);
    end.then(
      answered => {
        if (!answered) response.writeHead(404).end();
      },
      () => response.writeHead(500).end(),
    );
    ends.push(end);
  };
  const server = protocol === 1 ? createServer(listener) : createHttp2Server(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
    pool.close();
  });
  return { port: (server.address() as AddressInfo).port, ends };
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly hints: unknown[];
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function ask(protocol: 1 | 2, port: number, path: string, method = 'GET', body?: Buffer): Promise<Got> {
  const hints: unknown[] = [];
  if (protocol === 1) {
    const sending = httpRequest({ port, host: '127.0.0.1', path, method, agent: false });
    sending.on('information', ({ statusCode, headers }) => hints.push([statusCode, headers.link]));
    sending.end(body);
    const [response] = (await watchdog(once(sending, 'response'), path)) as [IncomingMessage];
    const received = await collect(response);
    return { status: response.statusCode ?? 0, headers: response.headers, body: received, hints };
  }
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ':path': path, ':method': method }, { endStream: body === undefined });
    stream.on('headers', headers => hints.push([headers[':status'], headers.link]));
    if (body !== undefined) stream.end(body);
    const [headers] = (await watchdog(once(stream, 'response'), path)) as [IncomingHttpHeaders];
    return { status: Number(headers[':status']), headers, body: await collect(stream), hints };
  } finally {
    session.close();
  }
}

async function assertEmpty(pool: Pool): Promise<void> {
  pool.close();
  for (let turn = 0; turn < 100 && pool.stats().chunks > 0; turn++) {
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal(pool.stats().chunks, 0);
}

for (const protocol of [1, 2] as const) {
  test(`HTTP/${protocol}: answers arrive with status, fields and body of every kind`, async context => {
    const pool = createPool();
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    async function* pieces(): AsyncGenerator<Aggregate> {
      for (let start = 0; start < large.length; start += 700_000) {
        yield pool.from(large.subarray(start, start + 700_000));
      }
    }
    const bodies: Record<string, () => Answer['body']> = {
      '/none': () => undefined,
      '/empty': () => Aggregate.empty(),
      '/small': () => pool.from('small é'),
      '/large': () => pool.from(large),
      '/heap': () => Aggregate.adopt(large),
      '/pieces': pieces,
      '/204': () => pool.from('not sent'),
      '/304': () => pool.from('not sent'),
    };
    const { port } = await serve(context, protocol, pool, async ({ target }) => ({
      status: Number(/\d+/.exec(target)?.[0] ?? 200),
      headers: ['X-Target', target, 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      body: bodies[target]?.(),
    }));
    for (const [path, status, expected] of [
      ['/none', 200, Buffer.alloc(0)],
      ['/empty', 200, Buffer.alloc(0)],
      ['/small', 200, Buffer.from('small é')],
      ['/large', 200, large],
      ['/heap', 200, large],
      ['/pieces', 200, large],
      ['/204', 204, Buffer.alloc(0)],
      ['/304', 304, Buffer.alloc(0)],
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const { status: got, headers, body } = await ask(protocol, port, path, method);
        assert.deepEqual([got, headers['x-target'], headers['set-cookie']], [status, path, ['a=1', 'b=2']]);
        assert(body.equals(method === 'HEAD' ? Buffer.alloc(0) : expected), `${method} ${path}`);
      }
    }
    await assertEmpty(pool);
  });

  test(`HTTP/${protocol}: bodies of requests are aggregates of the pool`, async context => {
    const pool = createPool();
    const { port } = await serve(context, protocol, pool, async request => {
      assert.equal(request.secure, false);
      assert.equal(request.remoteAddress, '127.0.0.1');
      if (request.body === undefined) return { status: 200, headers: [], body: pool.from('no body') };
      const body = await Aggregate.fromStream(request.body, { pool });
      return { status: 200, headers: [], body };
    });
    const sent = Buffer.alloc(1_000_000, 'body ');
    assert((await ask(protocol, port, '/', 'POST', sent)).body.equals(sent));
    assert.equal((await ask(protocol, port, '/', 'GET')).body.toString(), 'no body');
    await assertEmpty(pool);
  });

  test(`HTTP/${protocol}: early hints go ahead, once`, async context => {
    const { port } = await serve(context, protocol, createPool(), async request => {
      request.earlyHints?.(['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script']);
      request.earlyHints?.(['</c>; rel=preload']);
      return { status: 200, headers: [], body: undefined };
    });
    const { status, hints } = await ask(protocol, port, '/');
    assert.equal(status, 200);
    assert.deepEqual(hints, [[103, '</a.css>; rel=preload; as=style, </b.js>; rel=preload; as=script']]);
  });

  test(`HTTP/${protocol}: no answer is left to the caller, errors too`, async context => {
    const { port } = await serve(context, protocol, createPool(), async ({ target }) => {
      if (target === '/throw') throw new Error('a bug');
      return undefined;
    });
    assert.equal((await ask(protocol, port, '/')).status, 404);
    assert.equal((await ask(protocol, port, '/throw')).status, 500);
  });
}

test('a field that cannot be sent fails, and the body is released', async context => {
  const pool = createPool();
  const { port } = await serve(context, 1, pool, async () => ({
    status: 200,
    headers: ['X', 'a\r\nb'],
    body: pool.from('body'),
  }));
  assert.equal((await ask(1, port, '/')).status, 500);
  await assertEmpty(pool);
});

test('the handler hears of a client that leaves while it waits', async context => {
  const pool = createPool();
  let left = (): void => {};
  const leaving = new Promise<void>(resolve => {
    left = resolve;
  });
  const { port, ends } = await serve(context, 1, pool, (_request, signal) => {
    client.destroy();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        left();
        reject(signal.reason);
      });
    });
  });
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await watchdog(leaving, 'the abort');
  assert.equal(await watchdog(ends[0] as Promise<boolean>, 'the end'), true);
});

test('a body in pieces is closed when the client leaves, also while it waits for one', async context => {
  const pool = createPool();
  let closed = false;
  const { port, ends } = await serve(context, 1, pool, async () => {
    const first = pool.from('first');
    let given = false;
    let end = (_: IteratorResult<Aggregate>): void => {};
    const body: AsyncIterableIterator<Aggregate> = {
      [Symbol.asyncIterator]: () => body,
      next: () => {
        if (!given) {
          given = true;
          return Promise.resolve({ done: false, value: first });
        }
        return new Promise(resolve => {
          end = resolve;
        });
      },
      return: async () => {
        closed = true;
        end({ done: true, value: undefined });
        return { done: true, value: undefined };
      },
    };
    return { status: 200, headers: [], body };
  });
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await watchdog(once(client, 'data'), 'the first piece');
  client.resetAndDestroy();
  await watchdog(ends[0] as Promise<boolean>, 'the end');
  assert(closed);
  await assertEmpty(pool);
});

test('a body that fails midway ends the connection, so that nobody takes it for whole', async context => {
  const pool = createPool();
  async function* failing(): AsyncGenerator<Aggregate> {
    yield pool.from('some of it');
    throw new Error('disk on fire');
  }
  const { port } = await serve(context, 1, pool, async () => ({ status: 200, headers: [], body: failing() }));
  const received = await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(String);
  assert(!received.includes('\r\n0\r\n'));
  await assertEmpty(pool);
});

test('a connection goes on behind a body whose reader has left off', async context => {
  const pool = createPool();
  const { port } = await serve(context, 1, pool, async ({ body }) => {
    // The first piece is enough for this one.
    if (body !== undefined) for await (using _piece of body) break;
    return { status: 200, headers: [], body: pool.from('x') };
  });
  const client = connect(port, '127.0.0.1');
  let answers = '';
  client.setEncoding('latin1').on('data', text => {
    answers += text;
  });
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100002\r\n\r\nab');
  while (!answers.includes('200 OK')) await watchdog(once(client, 'data'), 'the first answer');
  client.write(`${'c'.repeat(100_000)}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await watchdog(once(client, 'close'), 'the second answer');
  assert.equal(answers.split('200 OK').length, 3);
  assert.equal(pool.stats().bytesUsed, 0);
});

test('a middleware that wraps write() sees every byte', async context => {
  const pool = createPool();
  const seen: number[] = [];
  const server = createServer((incoming, response) => {
    const write = response.write.bind(response) as (...args: unknown[]) => boolean;
    response.write = ((chunk: Buffer, ...rest: unknown[]) => {
      seen.push(chunk.length);
      return write(chunk, ...rest);
    }) as typeof response.write;
    const answer = async (): Promise<Answer> => ({
      status: 200,
      headers: ['Content-Length', '1000000'],
      body: pool.from(Buffer.alloc(1_000_000, 'x')),
    });
    void handle(handlerOf(answer), serverRequest(incoming), response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { body } = await ask(1, (server.address() as AddressInfo).port, '/');
  assert.equal(body.length, 1_000_000);
  assert.equal(
    seen.reduce((sum, length) => sum + length, 0),
    1_000_000,
  );
  await assertEmpty(pool);
});
