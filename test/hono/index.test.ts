import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { honoFile, honoStatic } from '../../src/hono/index.ts';
import { fetchHandler } from '../../src/http/site/fetch-handler.ts';
import { writeFiles } from '../http/support/site-server.ts';
import { Folder } from '../support/folder.ts';

const TEXT = 'text of a. '.repeat(200);

/** A directory, and the cache that its files are kept in. */
function files(context: TestContext): { root: string; cache: ReturnType<typeof createFileCache> } {
  const folder = new Folder();
  writeFiles(folder, { 'index.html': 'home', 'a.txt': TEXT, 'sub/index.html': 'sub' });
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  return { root: folder.path, cache };
}

test('honoStatic() serves below its prefix, and leaves the rest to the next', async context => {
  const { root, cache } = files(context);
  const app = new Hono();
  app.use('/site/*', honoStatic(root, { prefix: '/site', cache }));
  app.get('*', c => c.text(`nothing at ${c.req.path}`));
  assert.equal(await (await app.request('/site/a.txt')).text(), TEXT);
  assert.equal(await (await app.request('/site/')).text(), 'home');
  for (const [path, location] of [
    ['/site', './site/'],
    ['/site/sub?q', './sub/?q'],
  ] as const) {
    const moved = await app.request(path);
    assert.deepEqual([moved.status, moved.headers.get('location')], [301, location]);
  }
  assert.equal(await (await app.request('/site/none')).text(), 'nothing at /site/none');
  assert.equal(await (await app.request('/sitemap')).text(), 'nothing at /sitemap');
});

test('behind compress() no part of one form can be joined with another', async context => {
  const { root, cache } = files(context);
  const app = new Hono();
  app.use(compress());
  app.use('*', honoStatic(root, { cache, encodings: false }));
  const ask = async (headers: Record<string, string>): Promise<Response> =>
    app.request('/a.txt', { headers });
  const coded = await ask({ 'Accept-Encoding': 'gzip' });
  assert.equal(gunzipSync(await coded.arrayBuffer()).toString(), TEXT);
  const tag = coded.headers.get('etag') ?? '';
  assert.match(tag, /^W\/"/);
  assert.equal((await ask({ Range: 'bytes=5-', 'If-Range': tag })).status, 200);
  assert.equal((await ask({ Range: 'bytes=5-', 'Accept-Encoding': 'gzip' })).status, 200);
  assert.equal((await ask({ Range: 'bytes=5-' })).status, 206);
});

test('fetchHandler() redirects to where it is mounted, and passes on if it can', async context => {
  const { root, cache } = files(context);
  const app = new Hono();
  app.mount('/site', fetchHandler(root, { cache }));
  const whole = fetchHandler(root, { cache, prefix: '/whole' });
  app.use('/whole/*', (c, next) => whole(c.req.raw, () => next().then(() => c.res)));
  app.get('/whole/api', c => c.text('of the application'));
  const moved = await app.request('http://host/site/sub?q');
  assert.equal(new URL(moved.headers.get('location') ?? '', 'http://host/site/sub?q').pathname, '/site/sub/');
  assert.equal((await app.request('/site/none')).status, 404);
  assert.equal((await app.request('/whole')).headers.get('location'), './whole/');
  assert.equal(await (await app.request('/whole/a.txt')).text(), TEXT);
  assert.equal(await (await app.request('/whole/api')).text(), 'of the application');
  assert.equal((await whole(new Request('http://host/other'))).status, 404);
});

test('honoFile() is the Response with a file that a route chose', async context => {
  const options = files(context);
  const app = new Hono();
  app.get('/file', c => honoFile(c, 'a.txt', options));
  app.get('/none', c => honoFile(c, 'none', options));
  app.onError((error, c) => c.text(String((error as { status?: number }).status), 404));
  assert.equal(await (await app.request('/file')).text(), TEXT);
  const part = await app.request('/file', { headers: { Range: 'bytes=0-3' } });
  assert.deepEqual([part.status, await part.text()], [206, 'text']);
  assert.equal(
    (await app.request('/file', { method: 'HEAD' })).headers.get('content-length'),
    String(TEXT.length),
  );
  assert.equal(await (await app.request('/none')).text(), '404');
});
