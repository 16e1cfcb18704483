import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import Koa from 'koa';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { koaSend, koaStatic } from '../../src/koa/index.ts';
import { get, listening, type Reply, writeFiles } from '../http/support/site-server.ts';
import { Folder } from '../support/folder.ts';

type Options = { root: string; cache: ReturnType<typeof createFileCache> };
type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Reply>;

const TEXT = 'text of a. '.repeat(200);

/** An application of Koa over a directory. @returns a client of it */
async function start(context: TestContext, set: (app: Koa, options: Options) => void): Promise<Ask> {
  const folder = new Folder();
  writeFiles(folder, { 'a.txt': TEXT, 'sub/index.html': 'sub', 'large.bin': Buffer.alloc(500_000, 'x') });
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  const app = new Koa();
  app.silent = true;
  set(app, { root: folder.path, cache });
  const port = await listening(context, app.callback());
  return (path, headers, method) => get(port, path, headers, method);
}

/** What is the same, whoever is before it. */
async function check(ask: Ask): Promise<void> {
  for (const from of ['disk', 'memory']) {
    const { status, body } = await ask('/a.txt');
    assert.deepEqual([status, body.toString()], [200, TEXT], from);
    assert.equal((await ask('/large.bin')).body.length, 500_000, from);
  }
  const { headers } = await ask('/a.txt');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(headers['content-length'], String(TEXT.length));
  assert.equal(headers['x-set'], '/a.txt');
  assert.equal((await ask('/a.txt', { 'If-None-Match': String(headers.etag) })).status, 304);
  assert.equal((await ask('/a.txt', {}, 'HEAD')).headers['content-length'], String(TEXT.length));
  const part = await ask('/a.txt', { Range: 'bytes=0-3' });
  assert.deepEqual([part.status, part.body.toString()], [206, 'text']);
  const beyond = await ask('/a.txt', { Range: 'bytes=99999-' });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, `bytes */${TEXT.length}`]);
  assert.equal((await ask('/sub?q')).headers.location, '/sub/?q');
  assert.equal((await ask('/api')).body.toString(), 'of the application');
  assert.equal((await ask('/a.txt', {}, 'POST')).body.toString(), 'of the application');
}

test('koaStatic() serves files, and leaves the rest to the next', async context => {
  const ask = await start(context, (app, { root, cache }) => {
    const setHeaders = (response: { setHeader(name: string, value: string): unknown }, path: string) =>
      response.setHeader('X-Set', path.slice(root.length));
    app.use(koaStatic(root, { cache, encodings: false, setHeaders }));
    app.use(({ response }) => {
      response.body = 'of the application';
    });
  });
  await check(ask);
  assert.match(String((await ask('/a.txt')).headers.etag), /^"/);
});

test('behind others, who may code what it says, its tags are weak and nothing is joined', async context => {
  const ask = await start(context, (app, { root, cache }) => {
    app.use(async (ctx, next) => {
      await next();
      if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip' || ctx.status !== 200) return;
      const pieces: Buffer[] = [];
      for await (const piece of ctx.body as AsyncIterable<Buffer>) pieces.push(piece);
      ctx.remove('Content-Length');
      ctx.set('Content-Encoding', 'gzip');
      ctx.body = gzipSync(Buffer.concat(pieces));
    });
    app.use(
      koaStatic(root, {
        cache,
        encodings: false,
        setHeaders: (res, path) => res.setHeader('X-Set', path.slice(root.length)),
      }),
    );
    app.use(({ response }) => {
      response.body = 'of the application';
    });
  });
  await check(ask);
  const coded = await ask('/a.txt', { 'Accept-Encoding': 'gzip' });
  assert.equal(gunzipSync(coded.body).toString(), TEXT);
  const tag = String(coded.headers.etag);
  assert.match(tag, /^W\/"/);
  assert.equal((await ask('/a.txt', { Range: 'bytes=5-', 'If-Range': tag })).status, 200);
  assert.equal((await ask('/a.txt', { Range: 'bytes=5-', 'Accept-Encoding': 'gzip' })).status, 200);
});

test('with defer the others are asked first', async context => {
  const ask = await start(context, (app, { root, cache }) => {
    app.use(koaStatic(root, { cache, defer: true }));
    app.use(ctx => {
      if (ctx.path === '/sub/') ctx.body = 'not the file';
    });
  });
  assert.equal((await ask('/a.txt')).body.toString(), TEXT);
  assert.equal((await ask('/sub/')).body.toString(), 'not the file');
  assert.equal((await ask('/none')).status, 404);
});

test('koaSend() answers with a file that a route chose, and throws where there is none', async context => {
  const sent: string[] = [];
  const ask = await start(context, (app, options) => {
    app.use(async ctx => {
      sent.push(await koaSend(ctx, ctx.path, options));
    });
  });
  assert.equal((await ask('/a.txt')).body.toString(), TEXT);
  assert.equal((await ask('/none')).status, 404);
  assert.equal((await ask('/sub')).status, 404);
  assert.deepEqual(sent, ['/a.txt']);
});
