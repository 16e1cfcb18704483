import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type SharedCache, sharedCache } from '../../../src/cache/shared-cache.ts';
import { ResponseCache, type ResponseCacheOptions } from '../../../src/http/response-cache/response-cache.ts';
import { watchdog } from '../../support/watchdog.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const caches: SharedCache[] = [];
const closing: (() => void)[] = [];

before(async () => {
  const name = `test-${randomBytes(8).toString('hex')}`;
  for (let index = 0; index < 2; index++) {
    const cache = sharedCache(name, { budget: 16 * 1024 ** 2, govern: false });
    caches.push(cache);
    await cache.ready();
  }
});

after(async () => {
  for (const close of closing) close();
  for (const cache of caches.reverse()) await cache.close();
});

interface Got {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

type Get = (path: string, headers?: Record<string, string>, method?: string) => Promise<Got>;

/** Two servers, each with a member of the cache. Each path is of one test. */
async function servers(listener: Listener, options: ResponseCacheOptions = {}): Promise<[Get, Get]> {
  const started = caches.map(async (cache): Promise<Get> => {
    const responses = new ResponseCache(cache, { key: ({ url }) => url, ...options });
    const server = createServer((incoming, response) =>
      responses.handle(incoming, response, () => listener(incoming, response)),
    ).listen(0);
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return async (path, headers = {}, method = 'GET') => {
      const asked = request({ port, path, headers, method }).end();
      const [response] = (await watchdog(once(asked, 'response'), path)) as [IncomingMessage];
      const parts = await response.setEncoding('utf8').toArray();
      return { status: response.statusCode as number, headers: response.headers, text: parts.join('') };
    };
  });
  return (await Promise.all(started)) as [Get, Get];
}

describe('responses in a shared cache', () => {
  test('are made once for all, with their fields, and forgotten by tags and by changes', async () => {
    let times = 0;
    const tags = () => ['tag of one'];
    const [one, two] = await servers(
      (_, response) => {
        times += 1;
        response.setHeader('ETag', '"e"');
        response.writeHead(200, { 'Cache-Control': 'max-age=60', 'X-Made': String(times) });
        response.write('made ');
        response.end(Buffer.from(String(times)));
      },
      { tags },
    );
    const first = await one('/once');
    assert.equal(first.text, 'made 1');
    const second = await two('/once');
    assert.deepEqual([second.text, second.headers['x-made'], second.headers.age], ['made 1', '1', '0']);
    assert.match(String(second.headers['cache-status']), /^iolite; hit; ttl=(60|59)$/);
    assert.equal((await two('/once', { 'If-None-Match': '"e"' })).status, 304);
    assert.equal((await one('/once', { Range: 'bytes=0-3' })).text, 'made');
    assert.equal((await two('/once', {}, 'HEAD')).headers['content-length'], '6');
    await caches[0]?.invalidate({ tags: ['tag of one'] });
    assert.equal((await two('/once')).text, 'made 2');
    assert.equal((await two('/once', { 'Cache-Control': 'no-cache' })).text, 'made 3');
    assert.equal((await one('/once')).text, 'made 3');
    await one('/once', {}, 'POST');
    while ((await two('/once')).text === 'made 3');
    assert.equal((await one('/once')).text, (await two('/once')).text);
  });

  test('that are for one, or say nothing, are not kept', async () => {
    const fields: Record<string, Record<string, string | string[]>> = {
      '/private': { 'Cache-Control': 'private, max-age=60' },
      '/cookie': { 'Cache-Control': 'public, max-age=60', 'Set-Cookie': ['a=b', 'c=d'] },
      '/nothing': { 'Last-Modified': 'Mon, 01 Jan 2024 00:00:00 GMT' },
      '/no-store': { 'Cache-Control': 'no-store' },
      '/star': { 'Cache-Control': 'max-age=60', Vary: '*' },
      '/over': { 'Cache-Control': 'max-age=60', Age: '60' },
      '/failed': { 'Cache-Control': 'max-age=60' },
      '/long': { 'Cache-Control': 'max-age=60' },
      '/authorized': { 'Cache-Control': 'max-age=60' },
    };
    let times = 0;
    const listener: Listener = ({ url = '' }, response) => {
      times += 1;
      response.writeHead(url === '/failed' ? 500 : 200, fields[url]);
      response.end(url === '/long' ? 'x'.repeat(2000) : `${times}`);
    };
    const [one, two] = await servers(listener, { maxBytes: 1000 });
    for (const path of Object.keys(fields)) {
      const headers = path === '/authorized' ? { Authorization: 'Basic YTpi' } : {};
      const before = times;
      // Those who ask at once are each answered by the application, too.
      const got = await Promise.all([one, two, one, two].map(get => get(path, headers)));
      assert.equal(times - before, 4, path);
      assert.equal(new Set(got.map(each => each.headers['cache-status'])).size, 1);
    }
  });

  test('are told apart by what they vary by', async () => {
    let times = 0;
    const [one, two] = await servers((incoming, response) => {
      times += 1;
      response.setHeader('Vary', 'Accept-Language');
      response.setHeader('Cache-Control', 's-maxage=60');
      response.end(`in ${incoming.headers['accept-language']}`);
    });
    const ask = (get: Get, language: string) => get('/vary', { 'Accept-Language': language });
    for (const get of [one, two, one]) {
      assert.equal((await ask(get, 'de')).text, 'in de');
      assert.equal((await ask(get, 'fr')).text, 'in fr');
    }
    assert.equal(times, 2);
  });

  test('are made by one of all who ask at once, and by the next when the first goes away', async () => {
    let times = 0;
    const asked: ServerResponse[] = [];
    let arrived: () => void = () => {};
    const [one, two] = await servers((_, response) => {
      times += 1;
      asked.push(response.setHeader('Cache-Control', 'max-age=60'));
      arrived();
    });
    const next = () => new Promise<void>(resolve => (arrived = resolve));
    const first = next();
    const all = [one, two, one, two, one].map(get => get('/together'));
    await watchdog(first, 'the first');
    asked.shift()?.end('together');
    assert.deepEqual(
      (await Promise.all(all)).map(({ text }) => text),
      Array(5).fill('together'),
    );
    assert.equal(times, 1);
    const second = next();
    const gone = one('/leaves').catch(({ code }) => code);
    await watchdog(second, 'the one who leaves');
    const third = next();
    const others = [one, two].map(get => get('/leaves'));
    asked.shift()?.destroy();
    await watchdog(third, 'the next');
    asked.shift()?.end('by the next');
    assert.equal(await gone, 'ECONNRESET');
    assert.deepEqual(
      (await Promise.all(others)).map(({ text }) => text),
      ['by the next', 'by the next'],
    );
  });

  test('a cache that is closed is as an empty one; options are checked', async () => {
    const cache = sharedCache(`test-${randomBytes(8).toString('hex')}`, { govern: false });
    await cache.ready();
    await cache.close();
    const responses = new ResponseCache(cache);
    const server = createServer((incoming, response) =>
      responses.handle(incoming, response, () => response.end('from the application')),
    ).listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.equal(await (await fetch(`http://localhost:${port}/`)).text(), 'from the application');
    server.closeAllConnections();
    server.close();
    for (const bad of [{ maxBytes: -1 }, { key: 1 }, { tags: 'a' }, { ttl: 1 }, { timeout: 0 }])
      assert.throws(() => new ResponseCache(cache, bad as never), /ERR_IOLITE|Cannot/);
    assert.throws(() => new ResponseCache({} as never), { code: 'ERR_IOLITE_ARGUMENT' });
  });
});
