import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttp2Server, connect as http2Connect } from 'node:http2';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { duplexPair } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express from 'express';
import inject from 'light-my-request';
import serverless from 'serverless-http';
import supertest from 'supertest';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { type ResponseWay, wayOf } from '../../../src/http/node/response-way.ts';
import { serveStatic } from '../../../src/http/node/serve-static.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, listening, type Reply, writeFiles } from '../support/site-server.ts';

const SIZES = [0, 1, 16_384, 16_385, 300_000];
/** All values of a byte: text in between would change some. */
const contentOf = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 256));

type Ask = (path: string, headers?: Record<string, string>) => Promise<Reply>;
type Wrap = (response: ServerResponse) => void;

/** Files whose responses one may stand in for; what was found to be the way of each. */
function serving(
  context: TestContext,
  wrap: Wrap = () => {},
): { listener: RequestListener; ways: ResponseWay[] } {
  const folder = new Folder();
  writeFiles(folder, Object.fromEntries(SIZES.map(size => [`${size}.txt`, contentOf(size)])));
  const cache = createFileCache({ budget: 1 << 24 });
  const serve = serveStatic(folder.path, { cache, encodings: false });
  const ways: ResponseWay[] = [];
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  return {
    ways,
    listener: (request, response) => {
      wrap(response);
      ways.push(wayOf(response));
      serve(request, response, () => response.writeHead(404).end());
    },
  };
}

/** Every length arrives whole, again and again; the tag and parts are as the way admits. */
async function check(ask: Ask, isExact: boolean): Promise<void> {
  for (const size of SIZES) {
    for (const from of ['disk', 'memory']) {
      const { status, body, headers } = await watchdog(ask(`/${size}.txt`), `${size} bytes from ${from}`);
      assert.equal(status, 200);
      assert.ok(body.equals(contentOf(size)), `${size} bytes from ${from}`);
      assert.match(String(headers.etag), isExact ? /^"/ : /^W\/"/);
      assert.equal(headers['accept-ranges'], isExact ? 'bytes' : undefined);
    }
  }
  const { headers } = await ask('/16385.txt');
  const tag = String(headers.etag);
  assert.equal((await ask('/16385.txt', { 'If-None-Match': tag })).status, 304);
  for (const asked of [{ Range: 'bytes=10-19' }, { Range: 'bytes=10-19', 'If-Range': tag }]) {
    const part = await ask('/16385.txt', asked);
    assert.equal(part.status, isExact ? 206 : 200);
    assert.ok(part.body.equals(isExact ? contentOf(20).subarray(10) : contentOf(16_385)));
  }
}

/** A client of node:http for a listener, with a server of its own. */
async function client(context: TestContext, listener: RequestListener): Promise<Ask> {
  const port = await listening(context, listener);
  return (path, headers) => get(port, path, headers);
}

/** The ways of all responses were this one. */
function assertWays(ways: readonly ResponseWay[], expected: ResponseWay): void {
  assert.deepEqual([...new Set(ways)], [expected]);
}

test('nobody is between a response of node:http and its client', async context => {
  const { listener, ways } = serving(context);
  await check(await client(context, listener), true);
  assertWays(ways, 'direct');
});

test('nobody is there over TLS, nor with HTTP/2', async context => {
  using folder = new Folder();
  const { key, cert } = certificate(folder);
  const { listener, ways } = serving(context);
  const secure = createHttpsServer({ key, cert }, listener).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  context.after(() => secure.close().closeAllConnections());
  const { port } = secure.address() as AddressInfo;
  await check(async (path, headers = {}) => {
    const asking = httpsRequest({ port, path, headers, agent: false, rejectUnauthorized: false }).end();
    const [response] = await once(asking, 'response');
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) };
  }, true);
  assertWays(ways, 'direct');

  const second = createHttp2Server(listener as never).listen(0, '127.0.0.1');
  await once(second, 'listening');
  const session = http2Connect(`http://127.0.0.1:${(second.address() as AddressInfo).port}`);
  context.after(() => {
    session.destroy();
    second.close();
  });
  await check(async (path, headers = {}) => {
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const stream = session.request({ ':path': path, ...Object.fromEntries(lower) });
    const [answer] = await once(stream, 'response');
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece);
    return { status: answer[':status'], headers: answer, body: Buffer.concat(pieces) };
  }, true);
  assertWays(ways, 'direct');
});

test('who looks at the head, or at the end alone, changes no bytes', async context => {
  const atHead = serving(context, response => {
    const { writeHead } = response;
    response.writeHead = ((status: number) => {
      response.setHeader('X-Head', 'seen');
      return writeHead.call(response, status);
    }) as typeof writeHead;
  });
  await check(await client(context, atHead.listener), true);
  assertWays(atHead.ways, 'direct');
  const atEnd = serving(context, response => {
    const { end } = response;
    response.end = ((...given: unknown[]) => Reflect.apply(end, response, given)) as typeof end;
  });
  await check(await client(context, atEnd.listener), true);
  assertWays(atEnd.ways, 'ordinary');
});

test('who stands in for write() may change bytes: weak tags, and no parts', async context => {
  const wrapped = serving(context, response => {
    const { write } = response;
    response.write = ((...given: unknown[]) => Reflect.apply(write, response, given)) as typeof write;
  });
  await check(await client(context, wrapped.listener), false);
  assertWays(wrapped.ways, 'changed');
});

test('behind compression no part of one form can be joined with another', async context => {
  const { listener, ways } = serving(context);
  const app = express();
  app.use(compression({ threshold: 0 }));
  app.use(listener);
  const ask = await client(context, app);
  await check(ask, false);
  assertWays(ways, 'changed');
  const coded = await ask('/16385.txt', { 'Accept-Encoding': 'gzip' });
  assert.equal(coded.headers['content-encoding'], 'gzip');
  assert.ok(gunzipSync(coded.body).equals(contentOf(16_385)));
  const tag = String(coded.headers.etag);
  const resumed = await ask('/16385.txt', { Range: 'bytes=100-', 'If-Range': tag });
  assert.equal(resumed.status, 200);
});

test("an application's own methods in Express count as somebody's", async context => {
  const { listener, ways } = serving(context);
  const app = express();
  const { write } = ServerResponse.prototype;
  app.response.write = function (this: ServerResponse, ...given: unknown[]) {
    return Reflect.apply(write, this, given);
  } as typeof write;
  app.use(listener);
  await check(await client(context, app), false);
  assertWays(ways, 'changed');
});

test('stand-ins for a connection get all bytes by the methods of the response', async context => {
  const { listener, ways } = serving(context);
  await check(async (path, headers = {}) => {
    const answer = await inject(listener as never, { url: path, headers });
    return {
      status: answer.statusCode,
      headers: answer.headers as Reply['headers'],
      body: answer.rawPayload,
    };
  }, true);
  const handler = serverless(listener as never, { binary: true });
  await check(async (path, headers = {}) => {
    const event = { version: '2.0', rawPath: path, headers, requestContext: { http: { method: 'GET' } } };
    const answer = (await handler(event as never, {} as never)) as {
      statusCode: number;
      headers: Reply['headers'];
      body: string;
    };
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: Buffer.from(answer.body, 'base64'),
    };
  }, true);
  assertWays(ways, 'ordinary');
});

test('a server that is given streams for connections answers through them', async context => {
  const { listener, ways } = serving(context);
  const server = createServer(listener);
  await check(async (path, headers = {}) => {
    const [near, far] = duplexPair();
    server.emit('connection', far);
    const asking = httpRequest({ createConnection: () => near as never, path, headers }).end();
    const [response] = await once(asking, 'response');
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) };
  }, true);
  assertWays(ways, 'ordinary');
});

test('tests with supertest see what clients see', async context => {
  const { listener, ways } = serving(context);
  await check(async (path, headers = {}) => {
    const answer = await supertest(listener)
      .get(path)
      .set(headers)
      .buffer(true)
      .parse((response, done) => {
        const pieces: Buffer[] = [];
        response.on('data', piece => pieces.push(Buffer.from(piece, 'latin1')));
        response.on('end', () => done(null, Buffer.concat(pieces)));
      });
    return {
      status: answer.status,
      headers: answer.headers,
      body: (answer.body as Buffer) ?? Buffer.alloc(0),
    };
  }, true);
  assertWays(ways, 'direct');
});
