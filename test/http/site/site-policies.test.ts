import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { answerOf } from '../../../src/http/message/promised-answer.ts';
import { createSite } from '../../../src/http/site/site.ts';
import { watchdog } from '../../support/watchdog.ts';
import { requestFor } from '../support/asked.ts';
import { SiteServer } from '../support/site-server.ts';

const OUTSIDE = [
  '/../secret',
  '/..',
  '/sub/../../secret',
  '/%2e%2e/secret',
  '/%2E%2e/secret',
  '/.%2e/secret',
  '/..%2fsecret',
  '/..%2Fsecret',
  '/%2e%2e%2fsecret',
  '/sub/%2e%2e/%2e%2e/secret',
  '/..%5csecret',
  '/..\\secret',
  '/%252e%252e/secret',
  '/%c0%ae%c0%ae/secret',
  '/%e0%80%ae%e0%80%ae/secret',
  '/%uff0e%uff0e/secret',
  '/..%00/secret',
  '/secret%00.html',
  '/..;/secret',
  '//../secret',
  '/./../secret',
  'http://x/../secret',
  'http://x/%2e%2e/secret',
] as const;

test('no spelling of a path leads out of the directory', async context => {
  const site = await SiteServer.start(context, { 'root/index.html': 'home', secret: 'TOP SECRET' });
  const inner = createSite(site.folder.file('root'), {
    cache: site.cache,
    extensions: ['html'],
    dotfiles: 'allow',
  });
  for (const target of OUTSIDE) {
    const answer = await answerOf(inner, requestFor(target));
    assert(answer !== undefined && answer.status >= 400, target);
    assert(!String(answer.body).includes('SECRET'), target);
  }
});

for (const [policy, status] of [
  ['allow', 200],
  ['deny', 403],
  ['ignore', 404],
] as const) {
  test(`dotfiles: '${policy}' answers with ${status}`, async context => {
    const files = { '.env': 'x', '.git/config': 'x', 'sub/.a/b': 'x', 'a.txt': 'x', '..odd': 'x' };
    const site = await SiteServer.start(context, files, { dotfiles: policy });
    for (const path of ['/.env', '/%2eenv', '/.git/config', '/sub/.a/b', '/..odd']) {
      assert.equal((await site.get(path)).status, status, path);
    }
    assert.equal((await site.get('/a.txt')).status, 200);
    assert.equal((await site.get('/../.env')).status, 400);
  });
}

for (const [policy, inside, outside] of [
  ['inside', 200, 403],
  ['deny', 403, 403],
  ['follow', 200, 200],
] as const) {
  test(`symlinks: '${policy}' answers with ${inside} inside the root, ${outside} outside`, async context => {
    const site = await SiteServer.start(context, {
      'root/a.txt': 'a',
      'root/sub/b.txt': 'b',
      'other/c.txt': 'c',
    });
    const root = site.folder.file('root');
    const links = {
      'to-file': 'a.txt',
      'to-folder': 'sub',
      chain: 'to-file',
      'sub/up': '../a.txt',
      'out-file': '../other/c.txt',
      'out-folder': '../other',
      absolute: site.folder.file('other/c.txt'),
      'chain-out': 'out-file',
    };
    for (const [name, to] of Object.entries(links)) symlinkSync(to, `${root}/${name}`);
    // A name that begins as the directory's does is no place inside of it.
    mkdirSync(`${root}-other`);
    writeFileSync(`${root}-other/d.txt`, 'd');
    symlinkSync('../root-other/d.txt', `${root}/prefix`);
    const policed = createSite(root, { cache: site.cache, symlinks: policy });
    const statusOf = async (target: string): Promise<number | undefined> => {
      const answer = await answerOf(policed, requestFor(target, { method: 'HEAD' }));
      return answer?.status;
    };
    for (const target of ['/to-file', '/to-folder/b.txt', '/chain', '/sub/up']) {
      assert.equal(await statusOf(target), inside, target);
    }
    for (const target of ['/out-file', '/out-folder/c.txt', '/absolute', '/chain-out', '/prefix']) {
      assert.equal(await statusOf(target), outside, target);
    }
    assert.equal(await statusOf('/a.txt'), 200);
  });
}

test('extensions are tried in order for names that no file has', async context => {
  const files = {
    'about.html': 'html',
    'about.txt': 'txt',
    'both.txt': 'txt',
    both: 'bare',
    'dir/x': '',
    'dir.html': 'd',
  };
  const site = await SiteServer.start(context, files, { extensions: ['html', '.txt'] });
  for (const [path, status, body] of [
    ['/about', 200, 'html'],
    ['/about.txt', 200, 'txt'],
    ['/both', 200, 'bare'],
    ['/dir', 301, undefined],
    ['/about.', 404, undefined],
    ['/other', 404, undefined],
  ] as const) {
    const answer = await site.get(path);
    assert.equal(answer.status, status, path);
    if (body !== undefined) assert.equal(answer.body.toString(), body);
  }
});

test('navigations to what is not there get the fallback, other requests do not', async context => {
  const site = await SiteServer.start(context, { 'app.html': 'app', 'a.js': 'x' }, { fallback: 'app.html' });
  const html = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  const page = await site.get('/some/where?q=1', html);
  assert.deepEqual([page.status, page.body.toString()], [200, 'app']);
  assert.equal(
    (await site.get('/some/where', { ...html, 'If-None-Match': page.headers.etag ?? '' })).status,
    304,
  );
  assert.equal((await site.get('/a.js', html)).body.toString(), 'x');
  // Who does not say what is wanted, as curl and crawlers, goes to a page.
  for (const headers of [{}, { Accept: '*/*' }, { ...html, 'Sec-Fetch-Dest': 'document' }]) {
    assert.equal(
      (await site.get('/some/john.doe', headers as Record<string, string>)).body.toString(),
      'app',
    );
    assert.equal((await site.get('/assets/gone.js', headers as Record<string, string>)).status, 404);
  }
  for (const headers of [
    { Accept: 'application/json, text/html;q=0.5' },
    { Accept: '*/*', 'Sec-Fetch-Dest': 'empty' },
    { Accept: '*/*', 'Sec-Fetch-Dest': 'script' },
  ]) {
    assert.equal((await site.get('/api/data', headers as Record<string, string>)).status, 404);
  }
  assert.equal((await site.get('/some/where', html, 'POST')).status, 405);
});

test('error pages are sent with the status, whatever the request asks for', async context => {
  const site = await SiteServer.start(
    context,
    { '404.html': '<h1>lost</h1>', '.env': 'x' },
    { errorPages: { 404: '404.html', 403: '/none.html' }, dotfiles: 'deny' },
  );
  for (const headers of [{}, { Range: 'bytes=0-1' }, { 'If-None-Match': '*' }]) {
    const { status, headers: got, body } = await site.get('/none', headers as Record<string, string>);
    assert.deepEqual([status, body.toString(), got['cache-control']], [404, '<h1>lost</h1>', 'no-store']);
    assert.equal(got['content-type'], 'text/html; charset=utf-8');
  }
  assert.equal((await site.get('/none', {}, 'HEAD')).headers['content-length'], '13');
  // A page that is missing is no reason for another error.
  assert.equal((await site.get('/.env')).body.toString(), 'Forbidden\n');
  await site.assertNothingHeld();
});

test('headers() adds to the answers with a file, and replaces; it cannot split them', async context => {
  const site = await SiteServer.start(
    context,
    { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' },
    {
      headers: ({ path, size }) => {
        if (path.endsWith('c.txt')) return { 'X-Bad': 'a\r\nSet-Cookie: b' };
        return path.endsWith('b.txt')
          ? {
              'cache-control': 'no-cache',
              'content-type': 'text/x-b',
              Vary: 'Cookie',
              'Content-Length': '99',
            }
          : { 'X-Size': String(size) };
      },
    },
  );
  const a = await site.get('/a.txt');
  assert.deepEqual([a.headers['x-size'], a.headers['cache-control']], ['1', 'public, max-age=0']);
  const unchanged = await site.get('/a.txt', { 'If-None-Match': a.headers.etag ?? '' });
  assert.deepEqual([unchanged.status, unchanged.headers['x-size']], [304, '1']);
  const part = await site.get('/b.txt', { Range: 'bytes=0-0' });
  const { 'cache-control': cache, 'content-type': type, vary, 'content-length': length } = part.headers;
  assert.deepEqual([part.status, cache, type, vary, length], [206, 'no-cache', 'text/x-b', 'Cookie', '1']);
  assert.equal((await site.get('/c.txt')).status, 500);
  await site.assertNothingHeld();
});

test('cacheControl, maxAge and immutable', async context => {
  for (const [options, expected] of [
    [{ maxAge: 1500 }, 'public, max-age=1'],
    [{ maxAge: '2h', immutable: true }, 'public, max-age=7200, immutable'],
    [{ maxAge: '10y' }, 'public, max-age=31536000'],
    [{ cacheControl: 'private, no-cache' }, 'private, no-cache'],
    [{ cacheControl: false }, undefined],
  ] as const) {
    const site = await SiteServer.start(context, { a: 'a' }, options);
    assert.equal((await site.get('/a')).headers['cache-control'], expected);
  }
});

test('early hints go out ahead of the answer', async context => {
  const site = await SiteServer.start(
    context,
    { 'index.html': 'home', 'a.css': 'a {}' },
    {
      earlyHints: path => (path === '/' ? ['</a.css>; rel=preload; as=style'] : undefined),
    },
  );
  const hintsOf = async (path: string, method = 'GET'): Promise<unknown[]> => {
    const sending = request({ port: site.port, host: '127.0.0.1', path, method, agent: false });
    const hints: unknown[] = [];
    sending.on('information', ({ statusCode, headers }) => hints.push([statusCode, headers.link]));
    const done = new Promise<IncomingMessage>(resolve => sending.on('response', resolve));
    sending.end();
    const response = await watchdog(done, path);
    response.resume();
    assert.equal(response.statusCode, 200);
    return hints;
  };
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await hintsOf('/'), [[103, '</a.css>; rel=preload; as=style']]);
    assert.deepEqual(await hintsOf('/a.css'), []);
    assert.deepEqual(await hintsOf('/', 'HEAD'), []);
  }
});

test('fallthrough leaves to others what there is no file for', async context => {
  const site = await SiteServer.start(context, { 'a.txt': 'a' }, { fallthrough: true });
  for (const [path, method] of [
    ['/none', 'GET'],
    ['/.hidden', 'GET'],
    ['/%zz', 'GET'],
    ['/a.txt', 'POST'],
    ['/a.txt', 'OPTIONS'],
  ] as const) {
    assert.equal((await site.get(path, {}, method)).body.toString(), 'nobody', path);
  }
  assert.equal((await site.get('/a.txt')).body.toString(), 'a');
  assert.equal((await site.get('/a.txt', { Range: 'bytes=9-' })).status, 416);
});

for (const policy of ['inside', 'deny', 'follow'] as const) {
  test(`symlinks: '${policy}': a link that takes a file's place after that was judged`, async context => {
    const site = await SiteServer.start(context, {
      'root/a.txt': 'a',
      'root/sub/b.txt': 'b',
      'other/b.txt': 'x',
    });
    const root = site.folder.file('root');
    let exchange = (): void => {};
    const cache = new Proxy(site.cache, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name === 'snapshot' || name === 'peek') exchange();
          return value.apply(target, args);
        };
      },
    });
    const policed = createSite(root, { cache, symlinks: policy });
    const statusOf = async (target: string): Promise<number | undefined> => {
      const answer = await answerOf(policed, requestFor(target, { method: 'HEAD' }));
      return answer?.status;
    };
    const outside = policy === 'follow' ? 200 : 403;
    assert.equal(await statusOf('/a.txt'), 200);
    exchange = () => {
      rmSync(`${root}/a.txt`);
      symlinkSync('../other/b.txt', `${root}/a.txt`);
      renameSync(`${root}/sub`, `${root}/sub-before`);
      symlinkSync('../other', `${root}/sub`);
      exchange = () => {};
    };
    assert.equal(await statusOf('/sub/b.txt'), outside);
    assert.equal(await statusOf('/a.txt'), outside);
  });
}

test('what the cache read for others under a path that became a link is not given at once', async context => {
  const site = await SiteServer.start(
    context,
    { 'root/a.txt': 'a', 'other/b.txt': 'x' },
    {},
    { maxStale: 60_000 },
  );
  const root = site.folder.file('root');
  const path = `${root}/a.txt`;
  (await site.cache.snapshot(path, { root })).release();
  site.cache.peek(path, root)?.release();
  rmSync(path);
  symlinkSync('../other/b.txt', path);
  site.cache.invalidate(path);
  (await site.cache.snapshot(path)).release();
  assert.equal(site.cache.peek(path, root), undefined);
  site.cache.peek(path)?.release();
  await assert.rejects(site.cache.snapshot(path, { root }), { code: 'EACCES' });
});
