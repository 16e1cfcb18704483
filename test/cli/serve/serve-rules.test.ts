import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Folder } from '../../support/folder.ts';
import { get, Served } from '../support/server.ts';

/** An origin, gone when disposed of. */
async function listening(listener: RequestListener): Promise<{ url: string } & Disposable> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function write(folder: Folder, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(folder.file(name)), { recursive: true });
    writeFileSync(folder.file(name), content);
  }
}

function serveBy(folder: Folder, config: object): Promise<Served> {
  const path = folder.file('config.json');
  writeFileSync(path, JSON.stringify({ workers: 1, ...config }));
  return Served.startWith(['--config', path]);
}

const PAGE = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const HSTS = 'max-age=63072000';

test('the build of Vite: assets for good, the page asked for again by whatever path', async () => {
  using folder = new Folder();
  write(folder, { 'dist/index.html': 'app', 'dist/assets/index-1.js': 'js', 'dist/robots.txt': 'all' });
  await using served = await serveBy(folder, {
    root: 'dist',
    site: { fallback: 'index.html' },
    rules: [
      { match: '/assets/**', immutable: true },
      { match: '/index.html', cacheControl: 'no-cache', headers: { 'X-Page': 'yes' } },
    ],
  });
  // Twice, as what comes again is answered in another way, and with conditions.
  for (let round = 0; round < 3; round++) {
    for (const path of ['/', '/index.html', '/deep/link', '/user/john.doe']) {
      const { status, body, headers } = await get(served.port, path, { headers: PAGE });
      assert.deepEqual([status, body.toString()], [200, 'app'], path);
      assert.deepEqual([headers['cache-control'], headers['x-page']], ['no-cache', 'yes'], path);
      const tag = { ...PAGE, 'If-None-Match': String(headers.etag) };
      const again = await get(served.port, path, { headers: tag });
      assert.deepEqual([again.status, again.headers['cache-control']], [304, 'no-cache'], path);
    }
    const asset = await get(served.port, '/assets/index-1.js');
    assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
    const part = await get(served.port, '/assets/index-1.js', { headers: { Range: 'bytes=0-0' } });
    assert.deepEqual([part.status, part.headers['cache-control']], [206, asset.headers['cache-control']]);
    assert.equal((await get(served.port, '/robots.txt')).headers['cache-control'], 'public, max-age=0');
    const gone = await get(served.port, '/assets/index-0.js', { headers: PAGE });
    assert.deepEqual([gone.status, gone.headers['cache-control']], [404, 'no-store'], 'an asset is no page');
  }
});

test('fields of all answers are in all of them, whoever gives them', async () => {
  using folder = new Folder();
  write(folder, { 'site/index.html': 'home', 'site/dir/index.html': 'dir' });
  using origin = await listening((request, response) => {
    response.setHeader('Strict-Transport-Security', 'max-age=0').setHeader('Vary', 'Accept-Language');
    response.writeHead(request.url === '/api/none' ? 404 : 200).end('api');
  });
  await using served = await serveBy(folder, {
    root: 'site',
    headers: { 'Strict-Transport-Security': HSTS },
    cors: {
      origins: ['https://app.test', 'https://*.app.test'],
      credentials: true,
      exposedHeaders: ['ETag'],
    },
    rules: [
      { match: '/api/', origin: origin.url },
      { match: '/old', redirect: { to: '/new', status: 308 } },
    ],
  });
  const Origin = 'https://a.app.test';
  const asked: [status: number, method: string, path: string, headers?: Record<string, string>][] = [
    [200, 'GET', '/'],
    [301, 'GET', '/dir'],
    [308, 'GET', '/old?q=1'],
    [404, 'GET', '/none'],
    [404, 'GET', '/api/none'],
    [200, 'GET', '/api/some'],
    [200, 'POST', '/api/some'],
    [405, 'POST', '/'],
    [416, 'GET', '/', { Range: 'bytes=10-' }],
    [
      204,
      'OPTIONS',
      '/',
      { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'x-a' },
    ],
  ];
  for (const [expected, method, path, more] of asked) {
    const { status, headers } = await get(served.port, path, { method, headers: { Origin, ...more } });
    assert.equal(status, expected, `${method} ${path}`);
    assert.equal(headers['strict-transport-security'], HSTS, `${method} ${path}`);
    assert.equal(headers['access-control-allow-origin'], Origin, `${method} ${path}`);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.match(String(headers.vary), /\bOrigin\b/, `${method} ${path}`);
    if (expected === 308) assert.equal(headers.location, '/new?q=1');
    if (path.startsWith('/api')) assert.match(String(headers.vary), /Accept-Language/);
    if (expected === 416) assert.equal(headers['content-range'], 'bytes */4');
    if (expected !== 204) continue;
    assert.equal(headers['access-control-allow-methods'], 'PUT');
    assert.equal(headers['access-control-allow-headers'], 'x-a');
  }
  const home = await get(served.port, '/', { headers: { Origin } });
  const same = await get(served.port, '/', {
    headers: { Origin, 'If-None-Match': String(home.headers.etag) },
  });
  assert.deepEqual([same.status, same.headers['strict-transport-security']], [304, HSTS]);
  for (const other of ['https://evil.test', 'https://app.test.evil.test', undefined]) {
    const { headers } = await get(served.port, '/', {
      headers: other === undefined ? {} : { Origin: other },
    });
    assert.equal(headers['access-control-allow-origin'], undefined, other);
    assert.match(String(headers.vary), /\bOrigin\b/);
  }
});

test('fields of a site are in its errors, too', async () => {
  using folder = new Folder();
  write(folder, { 'site/index.html': 'home' });
  await using served = await serveBy(folder, {
    root: 'site',
    site: { headers: { 'X-Site': 'a', Vary: 'X-B' } },
  });
  const none = await get(served.port, '/none');
  const options = await get(served.port, '/', { method: 'OPTIONS' });
  const range = await get(served.port, '/', { headers: { Range: 'bytes=99-' } });
  const all = [await get(served.port, '/'), none, options, range];
  assert.deepEqual(
    all.map(({ status, headers }) => [status, headers['x-site'], headers.vary]),
    [200, 404, 204, 416].map(status => [status, 'a', 'X-B']),
  );
});

test('the page of an application is where the origin says 404, and nowhere else', async () => {
  using folder = new Folder();
  write(folder, { 'dist/index.html': 'app' });
  using origin = await listening(({ url }, response) => {
    if (url?.startsWith('/auth/callback')) {
      response.writeHead(302, { Location: '/', 'Set-Cookie': 'session=1' }).end();
    } else if (url === '/report') response.writeHead(200, { 'Content-Disposition': 'attachment' }).end('pdf');
    else response.writeHead(404).end('no route');
  });
  await using served = await Served.startWith([
    folder.file('dist'),
    '-w',
    '1',
    '--spa',
    '--origin',
    origin.url,
  ]);
  for (let round = 0; round < 2; round++) {
    const callback = await get(served.port, '/auth/callback?code=1', { headers: PAGE });
    assert.deepEqual([callback.status, callback.headers['set-cookie']], [302, ['session=1']]);
    assert.equal((await get(served.port, '/report', { headers: PAGE })).body.toString(), 'pdf');
    const deep = await get(served.port, '/deep/link', { headers: PAGE });
    assert.deepEqual([deep.status, deep.body.toString()], [200, 'app']);
    const data = await get(served.port, '/data', { headers: { Accept: 'application/json' } });
    assert.deepEqual([data.status, data.body.toString()], [404, 'no route']);
    assert.equal(
      (await get(served.port, '/deep', { headers: PAGE, method: 'POST' })).body.toString(),
      'no route',
    );
  }
});

test('redirects, rewrites, parts of paths that others do not see, and roots of their own', async () => {
  using folder = new Folder();
  write(folder, {
    'site/index.html': 'home',
    'site/current.txt': 'now',
    'docs/index.html': 'docs',
    'docs/guide/index.html': 'guide',
  });
  using origin = await listening(({ url }, response) => response.end(`origin ${url}`));
  await using served = await serveBy(folder, {
    root: 'site',
    rules: [
      { match: '/blog/*', redirect: '/posts/$1' },
      { match: '/out/**', redirect: { to: '/$1', status: 302 } },
      { match: '/latest/**', rewrite: '/current.txt' },
      { match: '/docs/', root: 'docs', strip: '/docs' },
      { match: '/npm/', origin: origin.url, strip: '/npm' },
    ],
  });
  const seen = async (path: string): Promise<string> => {
    const { status, headers, body } = await get(served.port, path);
    return status < 300 ? body.toString() : `${status} ${headers.location ?? ''}`;
  };
  assert.equal(await seen('/blog/a%20b?q=1'), '301 /posts/a%20b?q=1');
  assert.equal(await seen('/out//evil.test/'), '302 /evil.test/');
  assert.equal(await seen('/latest/any/thing'), 'now');
  assert.equal(await seen('/docs'), '301 /docs/');
  assert.equal(await seen('/docs/'), 'docs');
  assert.equal(await seen('/docs/guide'), '301 /docs/guide/');
  assert.equal(await seen('/docs/guide/'), 'guide');
  assert.equal(await seen('/docs/../site/index.html'), '400 ');
  assert.equal(await seen('/npm/@a%2fb?x'), 'origin /@a%2fb?x');
  assert.equal(await seen('/docs/guide/'), 'guide', 'as before');
});

test('hosts have their own, and all others what is said at the top', async () => {
  using folder = new Folder();
  write(folder, { 'a/index.html': 'a', 'b/index.html': 'b', 'c/index.html': 'c' });
  await using served = await serveBy(folder, {
    root: 'a',
    headers: { 'X-Host': 'top' },
    hosts: {
      'b.test': { root: 'b', headers: { 'X-Host': 'b' } },
      '*.b.test': { root: 'c' },
      'www.b.test': { rules: [{ match: '/**', redirect: 'https://b.test/$1' }] },
    },
  });
  const seen = async (Host: string): Promise<unknown> => {
    const { status, headers, body } = await get(served.port, '/', { headers: { Host } });
    return status === 200 ? `${body} ${headers['x-host']}` : headers.location;
  };
  for (let round = 0; round < 3; round++) {
    assert.equal(await seen('else.test'), 'a top');
    assert.equal(await seen('B.test:8080'), 'b b');
    assert.equal(await seen('x.y.b.test'), 'c undefined');
    assert.equal(await seen('www.b.test'), 'https://b.test/');
    assert.equal(await seen('evilb.test'), 'a top');
  }
});

test('pages without extensions, with a folder of the same name beside them', async () => {
  using folder = new Folder();
  const files = {
    'index.html': 'home',
    'blog.html': 'blog',
    'blog/post.html': 'post',
    'docs/index.html': 'docs',
  };
  write(folder, Object.fromEntries(Object.entries(files).map(([name, text]) => [`site/${name}`, text])));
  const seenBy = async (site: object): Promise<Record<string, string>> => {
    await using served = await serveBy(folder, { root: 'site', site });
    const seen: Record<string, string> = {};
    for (const path of [
      '/',
      '/index.html',
      '/blog',
      '/blog/',
      '/blog.html?q',
      '/blog/post',
      '/docs',
      '/docs/',
    ]) {
      const answers: string[] = [];
      for (let round = 0; round < 3; round++) {
        const { status, headers, body } = await get(served.port, path);
        answers.push(status === 200 ? body.toString() : (headers.location ?? String(status)));
      }
      assert.equal(new Set(answers).size, 1, `${path}: ${answers}`);
      seen[path] = answers[0] as string;
    }
    return seen;
  };
  const clean = { '/': 'home', '/index.html': '/', '/blog.html?q': '/blog?q', '/blog/post': 'post' };
  assert.deepEqual(await seenBy({ cleanUrls: true }), {
    ...clean,
    ...{ '/blog': 'blog', '/blog/': '/blog', '/docs': '/docs/', '/docs/': 'docs' },
  });
  assert.deepEqual(await seenBy({ cleanUrls: true, trailingSlash: false }), {
    ...clean,
    ...{ '/blog': 'blog', '/blog/': '/blog', '/docs': 'docs', '/docs/': '/docs' },
  });
  assert.deepEqual(await seenBy({ cleanUrls: true, trailingSlash: true }), {
    ...{ '/': 'home', '/index.html': '/', '/blog.html?q': '/blog/?q', '/blog/post': '/blog/post/' },
    ...{ '/blog': '/blog/', '/blog/': 'blog', '/docs': '/docs/', '/docs/': 'docs' },
  });
});

test('well-known files are there though names with a dot are not; media types are added to', async () => {
  using folder = new Folder();
  write(folder, {
    'site/.well-known/security.txt': 'mail',
    'site/.env': 'secret',
    'site/.well-known/.env': 'secret',
    'site/a.data': 'data',
    'site/b.glb': 'model '.repeat(500),
  });
  writeFileSync(folder.file('site/b.glb.gz'), gzipSync('model '.repeat(500)));
  await using served = await serveBy(folder, {
    root: 'site',
    site: { mediaTypes: { data: 'application/x-unity' } },
  });
  assert.equal((await get(served.port, '/.well-known/security.txt')).body.toString(), 'mail');
  assert.equal((await get(served.port, '/.env')).status, 404);
  assert.equal((await get(served.port, '/.well-known/.env')).status, 404);
  assert.equal((await get(served.port, '/a.data')).headers['content-type'], 'application/x-unity');
  const model = await get(served.port, '/b.glb', { headers: { 'Accept-Encoding': 'gzip' } });
  assert.deepEqual(
    [model.headers['content-type'], model.headers['content-encoding']],
    ['model/gltf-binary', 'gzip'],
  );
  assert.equal(gunzipSync(model.body).toString(), 'model '.repeat(500));
});
