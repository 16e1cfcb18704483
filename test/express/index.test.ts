import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express from 'express';
import { sharedCache } from '../../src/cache/shared-cache.ts';
import { cacheResponses, download, sendFile, serveStatic } from '../../src/express/index.ts';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { get, listening, type Reply, writeFiles } from '../http/support/site-server.ts';
import { Folder } from '../support/folder.ts';

type Options = { root: string; cache: ReturnType<typeof createFileCache> };

/** An application of Express over a directory. @returns a client of it, and its port */
async function start(context: TestContext, set: (app: express.Express, options: Options) => void) {
  const folder = new Folder();
  writeFiles(folder, {
    'a b#.txt': 'text of a',
    'sub/index.html': 'sub',
    'large.bin': Buffer.alloc(500_000, 'x'),
  });
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  const app = express();
  set(app, { root: folder.path, cache });
  const port = await listening(context, app);
  const ask = (path: string, headers?: Record<string, string>): Promise<Reply> => get(port, path, headers);
  return { ask, port };
}

test('sendFile() sends what a route chose, and tells how it ended', async context => {
  const ends: unknown[] = [];
  const { ask } = await start(context, (app, options) => {
    app.get('/file', (_request, response) => {
      response.status(201);
      sendFile(response, 'a b#.txt', { ...options, headers: { 'X-Own': 'yes' }, maxAge: '1h' });
    });
    app.get('/told/:name', (request, response) => {
      sendFile(response, request.params.name, options, error => {
        ends.push((error as NodeJS.ErrnoException | undefined)?.code);
        if (error !== undefined) response.status(500).end();
      });
    });
    app.get('/passed/:name', (request, response) => sendFile(response, request.params.name, options));
    app.use((_request, response) => void response.status(418).end());
    app.use(((error, _request, response, _next) => {
      response.status(error.status).send(error.code);
    }) as express.ErrorRequestHandler);
  });
  const file = await ask('/file');
  assert.deepEqual([file.status, file.body.toString(), file.headers['x-own']], [201, 'text of a', 'yes']);
  assert.equal(file.headers['cache-control'], 'public, max-age=3600');
  assert.equal((await ask('/told/large.bin')).body.length, 500_000);
  await ask('/told/none');
  await ask('/told/sub');
  assert.deepEqual(ends, [undefined, 'ENOENT', 'EISDIR']);
  const missing = await ask('/passed/none');
  assert.deepEqual([missing.status, missing.body.toString()], [404, 'ENOENT']);
  assert.equal((await ask('/passed/sub')).status, 418);
});

test('download() has a file saved under a name', async context => {
  const { ask } = await start(context, (app, options) => {
    app.get('/own', (_request, response) => download(response, 'large.bin', options));
    app.get('/named', (_request, response) =>
      download(response, 'large.bin', 'naïve.bin', {
        ...options,
        headers: { 'content-disposition': 'inline' },
      }),
    );
  });
  assert.equal((await ask('/own')).headers['content-disposition'], 'attachment; filename=large.bin');
  const { headers, body } = await ask('/named');
  assert.match(String(headers['content-disposition']), /^attachment; filename=/);
  assert.equal(body.length, 500_000);
});

test('a client that has left before is told of, and nobody answers', async context => {
  let told: (code: unknown) => void = () => {};
  const ended = new Promise(resolve => {
    told = resolve;
  });
  const { port } = await start(context, (app, options) => {
    app.get('/', (_request, response) => {
      response.once('close', () => {
        sendFile(response, 'large.bin', options, error => told((error as NodeJS.ErrnoException).code));
      });
      client.destroy();
    });
  });
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(await ended, 'ECONNABORTED');
});

test('paths that are none are refused, and serveStatic() is there as well', () => {
  assert.throws(() => sendFile({} as never, 'relative.txt'), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => sendFile({} as never, 1 as never), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.equal(typeof serveStatic('.'), 'function');
});

test('cacheResponses() keeps what a route answers, compressed or not, for all processes', async context => {
  const cache = sharedCache(`test-${randomBytes(8).toString('hex')}`, { govern: false });
  context.after(() => cache.close());
  let times = 0;
  const { ask } = await start(context, (app, options) => {
    app.use(cacheResponses(cache));
    app.use(compression({ threshold: 0 }));
    app.get('/json', (_request, response) => {
      response.set('Cache-Control', 'max-age=60').json({ times: ++times });
    });
    app.get('/file', (_request, response) => sendFile(response, 'large.bin', { ...options, maxAge: '1h' }));
  });
  for (let again = 0; again < 2; again++) {
    assert.equal((await ask('/json')).body.toString(), '{"times":1}');
    const zipped = await ask('/json', { 'Accept-Encoding': 'gzip' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(zipped.body).toString(), '{"times":2}');
    const file = await ask('/file');
    assert.equal(file.body.length, 500_000);
    assert.equal(String(file.headers['cache-status']).includes('hit'), again === 1);
  }
});
