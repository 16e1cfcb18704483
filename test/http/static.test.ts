import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { createFileCache } from '../../src/file/owned-cache.ts';
import { createStaticHandler, type StaticHandler } from '../../src/http/static.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A server of a folder, over a cache of its own. */
class Site {
  readonly folder = new Folder();
  readonly pool: Pool = createPool();
  readonly cache = createFileCache({ budget: 1 << 26, maxStale: 0, pool: this.pool });
  readonly handler: StaticHandler;
  readonly server: Server;

  private constructor() {
    this.handler = createStaticHandler(this.folder.path, this.cache);
    this.server = createServer((request, response) => this.handler(request, response));
  }

  static async start(context: TestContext, files: Record<string, string | Buffer>): Promise<Site> {
    const site = new Site();
    for (const [name, content] of Object.entries(files)) {
      const path = site.folder.file(name);
      mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
      writeFileSync(path, content);
    }
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    context.after(() => {
      site.server.closeAllConnections();
      site.server.close();
      site.cache.close();
      site.pool.close();
      site.folder[Symbol.dispose]();
    });
    return site;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async fetch(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const sending = request({ port: this.port, host: '127.0.0.1', path, method, headers, agent: false });
    sending.end();
    const [response] = (await watchdog(once(sending, 'response'), path)) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
  }

  /** Closes the cache: the pool is empty if nobody else holds anything. */
  assertNothingHeld(): void {
    this.cache.close();
    this.pool.close();
    assert.equal(this.pool.stats().chunks, 0);
  }
}

test('GET and HEAD answer with type, length, validators and the bytes', async context => {
  const large = Buffer.alloc(3_000_000, 'large ');
  const site = await Site.start(context, {
    'index.html': '<h1>home</h1>',
    'sub/index.html': 'sub',
    'a b/é 100%.txt': 'named',
    'large.bin': large,
    'data.json': '{}',
    empty: '',
  });
  for (const [path, type, body] of [
    ['/', 'text/html; charset=utf-8', '<h1>home</h1>'],
    ['/index.html?x=1', 'text/html; charset=utf-8', '<h1>home</h1>'],
    ['/sub/', 'text/html; charset=utf-8', 'sub'],
    ['/a%20b/%C3%A9%20100%25.txt', 'text/plain; charset=utf-8', 'named'],
    ['/large.bin', 'application/octet-stream', large],
    ['/data.json', 'application/json; charset=utf-8', '{}'],
    ['/empty', 'application/octet-stream', ''],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body: got } = await site.fetch(path, {}, method);
      assert.equal(status, 200, path);
      assert.equal(headers['content-type'], type);
      assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
      assert.match(headers.etag ?? '', /^W\/"[\w-]+"$/);
      assert(!Number.isNaN(Date.parse(headers['last-modified'] ?? '')));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert(got.equals(method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(body)), path);
    }
  }
  site.assertNothingHeld();
});

test('a validator that still holds is answered with 304 and no body', async context => {
  const site = await Site.start(context, { 'a.txt': 'first' });
  utimesSync(site.folder.file('a.txt'), 1_000_000, 1_000_000);
  const { headers } = await site.fetch('/a.txt');
  const since = { 'If-Modified-Since': headers['last-modified'] ?? '' };
  for (const conditions of [{ 'If-None-Match': headers.etag ?? '' }, since, { 'If-None-Match': '*' }]) {
    const answer = await site.fetch('/a.txt', conditions as Record<string, string>);
    assert.deepEqual([answer.status, answer.body.length, answer.headers.etag], [304, 0, headers.etag]);
  }
  writeFileSync(site.folder.file('a.txt'), 'second');
  for (const conditions of [{ 'If-None-Match': headers.etag ?? '' }, since]) {
    const answer = await site.fetch('/a.txt', conditions as Record<string, string>);
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'second']);
  }
  site.assertNothingHeld();
});

test('other methods are answered with 405, folders with a redirect, what is not there with 404', async context => {
  const site = await Site.start(context, { 'sub/index.html': 'sub', 'bare/file': 'x' });
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = await site.fetch('/sub/', {}, method);
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
  }
  for (const [path, status, location] of [
    ['/sub', 301, '/sub/'],
    ['/sub?q=1', 301, '/sub/?q=1'],
    ['http://other.example/sub', 301, '/sub/'],
    ['//sub', 404, undefined],
    ['/bare/', 404, undefined],
    ['/bare/file/', 404, undefined],
    ['/bare/file/more', 404, undefined],
    ['/none', 404, undefined],
    [`/${'long'.repeat(60)}`, 404, undefined],
    ['/%2e%2e/', 400, undefined],
    [`/${'long/'.repeat(1000)}`, 414, undefined],
  ] as const) {
    const { status: got, headers, body } = await site.fetch(path);
    assert.deepEqual([got, headers.location], [status, location], path);
    assert(!body.includes(site.folder.path));
  }
  site.assertNothingHeld();
});

test('special files and loops of links are errors, not hangs', async context => {
  const site = await Site.start(context, { file: 'x' });
  execFileSync('mkfifo', [site.folder.file('fifo')]);
  symlinkSync('loop', site.folder.file('loop'));
  assert.equal((await site.fetch('/fifo')).status, 500);
  assert.equal((await site.fetch('/loop')).status, 404);
  assert.equal((await site.fetch('/file')).status, 200);
});

test('a client that goes away midway leaves nothing behind', async context => {
  const site = await Site.start(context, { large: Buffer.alloc(32 * 1024 ** 2, 'x') });
  const closed = new Promise<void>(resolve => {
    site.server.once('request', (_request, response) => response.once('close', resolve));
  });
  const client = connect(site.port, '127.0.0.1');
  client.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await watchdog(once(client, 'readable'), 'the first bytes');
  client.resetAndDestroy();
  await watchdog(closed, 'the end of the response');
  await new Promise(resolve => setImmediate(resolve));
  site.assertNothingHeld();
});

test('a file replaced while it is sent arrives whole, and the next request has the new one', async context => {
  const old = Buffer.alloc(16 * 1024 ** 2, 'old ');
  const site = await Site.start(context, { file: old });
  const client = connect(site.port, '127.0.0.1');
  client.write('GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await watchdog(once(client, 'readable'), 'the first bytes');
  rmSync(site.folder.file('file'));
  writeFileSync(site.folder.file('file'), 'new');
  assert.equal((await site.fetch('/file')).body.toString(), 'new');
  const pieces: Buffer[] = [];
  for await (const piece of client) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  assert(whole.subarray(whole.indexOf('\r\n\r\n') + 4).equals(old));
});

test('with next, what it has no answer for is left to it', async context => {
  const site = await Site.start(context, { file: 'x' });
  const seen: string[] = [];
  site.server.removeAllListeners('request');
  site.server.on('request', (request, response) => {
    site.handler(request, response, () => {
      seen.push(`${request.method} ${request.url}`);
      response.end('next');
    });
  });
  assert.equal((await site.fetch('/file')).body.toString(), 'x');
  assert.equal((await site.fetch('/none')).body.toString(), 'next');
  assert.equal((await site.fetch('/.hidden')).body.toString(), 'next');
  assert.equal((await site.fetch('/file', {}, 'POST')).body.toString(), 'next');
  assert.deepEqual(seen, ['GET /none', 'GET /.hidden', 'POST /file']);
});
