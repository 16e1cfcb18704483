import assert from 'node:assert/strict';
import type { Stats } from 'node:fs';
import { type TestContext, test } from 'node:test';
import express from 'express';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { serveStatic } from '../../../src/http/node/serve-static.ts';
import { Folder } from '../../support/folder.ts';
import { get, listening, type Reply, writeFiles } from '../support/site-server.ts';

type Ask = (path: string, headers?: Record<string, string>) => Promise<Reply>;

/** An application of Express over a directory. @returns a client of it */
async function start(
  context: TestContext,
  set: (app: express.Express, root: string, cache: FileCache) => void,
): Promise<Ask> {
  const folder = new Folder();
  writeFiles(folder, {
    'a.txt': 'text of a',
    'favicon.ico': 'icon',
    'sub/index.html': 'sub',
    'a ☃.txt': 'snow',
  });
  const cache = createFileCache({ budget: 1 << 24 });
  context.after(() => {
    cache.close();
    folder[Symbol.dispose]();
  });
  const app = express();
  set(app, folder.path, cache);
  const port = await listening(context, app);
  return (path, headers) => get(port, path, headers);
}

test('a file that is mounted answers at its mount, and nowhere below', async context => {
  const ask = await start(context, (app, root, cache) => {
    app.use('/favicon.ico', serveStatic(`${root}/favicon.ico`, { cache }));
    app.use('/sub', serveStatic(`${root}/sub`, { cache }));
    app.use('/none', serveStatic(`${root}/none`, { cache }));
  });
  for (const from of ['disk', 'memory']) {
    const icon = await ask('/favicon.ico?v=1');
    assert.deepEqual([icon.status, icon.body.toString()], [200, 'icon'], from);
    assert.equal(icon.headers['content-type'], 'image/x-icon');
  }
  assert.equal((await ask('/favicon.ico/')).status, 404);
  assert.equal((await ask('/favicon.ico/x')).status, 404);
  assert.equal((await ask('/sub')).headers.location, '/sub/');
  assert.equal((await ask('/none')).status, 404);
});

test('null stands for no options, and a root is a text', () => {
  assert.equal(typeof serveStatic('.', null), 'function');
  for (const root of [undefined, '', 42]) {
    assert.throws(() => serveStatic(root as string), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: /root path required/,
    });
  }
});

test('redirects have a page that loads nothing, and say what it names harmlessly', async context => {
  const ask = await start(context, (app, root, cache) => app.use(serveStatic(root, { cache })));
  const { status, headers, body } = await ask("/sub?'<b>&");
  assert.equal(status, 301);
  assert.equal(headers.location, "/sub/?'%3Cb%3E&");
  assert.equal(headers['content-type'], 'text/html; charset=UTF-8');
  assert.equal(headers['content-security-policy'], "default-src 'none'");
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.match(body.toString(), /<pre>Redirecting to \/sub\/\?&#39;%3Cb%3E&#38;<\/pre>/);
});

test('who handles 416 need not know of Content-Range', async context => {
  const ask = await start(context, (app, root, cache) => {
    app.use(serveStatic(root, { cache }));
    app.use(((error, _request, response, _next) => {
      response.status(error.status).send(error.name);
    }) as express.ErrorRequestHandler);
  });
  const { status, headers, body } = await ask('/a.txt', { Range: 'bytes=99-' });
  assert.deepEqual(
    [status, headers['content-range'], body.toString()],
    [416, 'bytes */9', 'RangeNotSatisfiableError'],
  );
});

test('a URL that somebody has decoded names what it names', async context => {
  const ask = await start(context, (app, root, cache) => {
    app.use((request, _response, next) => {
      request.url = decodeURI(request.url);
      next();
    });
    app.use(serveStatic(root, { cache }));
  });
  assert.equal((await ask('/a%20%E2%98%83.txt')).body.toString(), 'snow');
});

test('setHeaders() as it is written for express.static gets what Express has', async context => {
  const ask = await start(context, (app, root, cache) => {
    app.use(
      '/inferred',
      serveStatic(root, {
        cache,
        setHeaders(res, path) {
          res.set('X-Path', path.slice(root.length));
        },
      }),
    );
    app.use(
      serveStatic(root, {
        cache,
        setHeaders: (res: express.Response, _path: string, stat: Stats) => {
          res.set('X-Size', String(stat.size));
        },
      }),
    );
    app.use(serveStatic(root, { cache, setHeaders: res => res.set('X-Any', 'yes') }));
  });
  assert.equal((await ask('/inferred/a.txt')).headers['x-path'], '/a.txt');
  assert.equal((await ask('/a.txt')).headers['x-size'], '9');
});
