import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { releaseBody } from '../../../src/http/message/body.ts';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { answerOf } from '../../../src/http/message/promised-answer.ts';
import { createSite } from '../../../src/http/site/site.ts';
import { watchdog } from '../../support/watchdog.ts';
import { requestFor, saidAtOnce } from '../support/asked.ts';
import { exchange, SiteServer } from '../support/site-server.ts';
import { byExtents, withStrongTags, wrapCache } from '../support/wrapped-cache.ts';

const HTML = 'text/html; charset=utf-8';

test('GET and HEAD answer with type, length, validators and the bytes', async context => {
  const large = Buffer.alloc(3_000_000, 'large ');
  const site = await SiteServer.start(context, {
    'index.html': '<h1>home</h1>',
    'sub/index.html': 'sub',
    'a b/é 100%.txt': 'named',
    'large.bin': large,
    'data.json': '{}',
    empty: '',
  });
  for (const [path, type, body] of [
    ['/', HTML, '<h1>home</h1>'],
    ['/index.html?x=1', HTML, '<h1>home</h1>'],
    ['/sub/', HTML, 'sub'],
    ['http://other.example/sub/', HTML, 'sub'],
    ['/a%20b/%C3%A9%20100%25.txt', 'text/plain; charset=utf-8', 'named'],
    ['/large.bin', 'application/octet-stream', large],
    ['/data.json', 'application/json; charset=utf-8', '{}'],
    ['/empty', 'application/octet-stream', ''],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body: got } = await site.get(path, {}, method);
      assert.equal(status, 200, path);
      assert.equal(headers['content-type'], type);
      assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
      assert.equal(headers['cache-control'], 'public, max-age=0');
      assert.equal(headers['accept-ranges'], 'bytes');
      assert.match(headers.etag ?? '', /^(W\/)?"[\w-]+"$/);
      assert(!Number.isNaN(Date.parse(headers['last-modified'] ?? '')));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert(got.equals(method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(body)), path);
    }
  }
  await site.assertNothingHeld();
});

test('a validator that still holds is answered with 304, one that must but fails with 412', async context => {
  const site = await SiteServer.start(context, { 'a.txt': 'first' });
  utimesSync(site.folder.file('a.txt'), 1_000_000_000, 1_000_000_000);
  const { headers } = await site.get('/a.txt');
  const since = { 'If-Modified-Since': headers['last-modified'] ?? '' };
  for (const conditions of [{ 'If-None-Match': headers.etag ?? '' }, since, { 'If-None-Match': '*' }]) {
    const answer = await site.get('/a.txt', conditions as Record<string, string>);
    assert.deepEqual([answer.status, answer.body.length, answer.headers.etag], [304, 0, headers.etag]);
    assert.equal(answer.headers['cache-control'], 'public, max-age=0');
    assert.equal(answer.headers['content-length'], undefined);
  }
  writeFileSync(site.folder.file('a.txt'), 'second');
  for (const conditions of [{ 'If-None-Match': headers.etag ?? '' }, since]) {
    const answer = await site.get('/a.txt', conditions as Record<string, string>);
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'second']);
  }
  assert.equal((await site.get('/a.txt', { 'If-Match': '"other"' })).status, 412);
  const unmodified = { 'If-Unmodified-Since': headers['last-modified'] ?? '' };
  assert.equal((await site.get('/a.txt', unmodified)).status, 412);
  await site.assertNothingHeld();
});

for (const kept of ['whole', 'by extents'] as const) {
  test(`ranges of a file kept ${kept} are slices of it`, async context => {
    const content = Buffer.from(Array.from({ length: 2_500_000 }, (_, index) => index % 251));
    const site = await SiteServer.start(
      context,
      { 'a.bin': content },
      {},
      {
        wrap: cache => wrapCache(cache, each => withStrongTags(kept === 'whole' ? each : byExtents(each))),
      },
    );
    const whole = await site.get('/a.bin');
    assert(whole.body.equals(content));
    const { etag = '' } = whole.headers;
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=2000000-', 2_000_000, 2_500_000],
      ['bytes=-7', 2_499_993, 2_500_000],
      ['bytes=-9999999', 0, 2_500_000],
      ['bytes=10-20,15-30', 10, 31],
    ] as const) {
      const { status, headers, body } = await site.get('/a.bin', { Range: range, 'If-Range': etag });
      assert.equal(status, 206, range);
      assert.equal(headers['content-range'], `bytes ${start}-${end - 1}/2500000`);
      assert.equal(headers['content-length'], String(end - start));
      assert(body.equals(content.subarray(start, end)), range);
    }
    for (const headers of [
      { Range: 'bytes=0-9', 'If-Range': '"other"' },
      { Range: 'bytes=0-9', 'If-Range': `W/${etag}` },
      { Range: 'lines=0-9' },
      { Range: 'bytes=x' },
    ]) {
      const { status, body } = await site.get('/a.bin', headers as Record<string, string>);
      assert.deepEqual([status, body.length], [200, content.length]);
    }
    const head = await site.get('/a.bin', { Range: 'bytes=0-9' }, 'HEAD');
    assert.deepEqual([head.status, head.headers['content-length']], [200, '2500000']);
    const beyond = await site.get('/a.bin', { Range: 'bytes=2500000-' });
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */2500000']);
    const matched = await site.get('/a.bin', { Range: 'bytes=0-9', 'If-None-Match': etag });
    assert.equal(matched.status, 304);
    await site.assertNothingHeld();
  });

  test(`several ranges of a file kept ${kept} come as multipart/byteranges`, async context => {
    const content = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
    const site = await SiteServer.start(
      context,
      { 'a.txt': content },
      {},
      {
        wrap: cache => (kept === 'whole' ? cache : wrapCache(cache, byExtents)),
      },
    );
    const { status, headers, body } = await site.get('/a.txt', { Range: 'bytes=0-1, 10-11, -1' });
    assert.equal(status, 206);
    assert.equal(headers['content-range'], undefined);
    assert.equal(headers['content-length'], String(body.length));
    const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(headers['content-type'] ?? '')?.[1];
    const part = (range: string, bytes: string): string =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Range: bytes ${range}/36\r\n\r\n${bytes}\r\n`;
    const expected = `${part('0-1', '01')}${part('10-11', 'ab')}${part('35-35', 'z')}--${boundary}--\r\n`;
    assert.equal(body.toString(), expected);
    // Who asks for so many is answered with the file, once.
    const many = Array.from({ length: 100 }, () => '0-').join(',');
    const abuse = await site.get('/a.txt', { Range: `bytes=${many}` });
    assert.deepEqual([abuse.status, abuse.body.length], [200, 36]);
    const overlapping = Array.from({ length: 64 }, () => '0-').join(',');
    const joined = await site.get('/a.txt', { Range: `bytes=${overlapping}` });
    assert.deepEqual([joined.status, joined.body.length], [206, 36]);
    await site.assertNothingHeld();
  });
}

test('OPTIONS says which methods there are, others are answered with 405', async context => {
  const site = await SiteServer.start(context, { 'index.html': 'home' });
  for (const path of ['/', '*']) {
    const options = await site.get(path, {}, 'OPTIONS');
    assert.deepEqual([options.status, options.headers.allow], [204, 'GET, HEAD, OPTIONS']);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
    const { status, headers } = await site.get('/', {}, method);
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, OPTIONS']);
  }
});

test('directories without their slash are redirected to, what is not there is a 404', async context => {
  const site = await SiteServer.start(context, {
    'sub/index.html': 'sub',
    'bare/file': 'x',
    'a"<b/index.html': 'x',
    'odd/index.html/file': 'x',
  });
  for (const [path, status, location] of [
    ['/sub', 301, '/sub/'],
    ['/sub?q=1', 301, '/sub/?q=1'],
    ['/sub?q=\\|%5C', 301, '/sub/?q=%5C%7C%5C'],
    ['/a%22%3Cb', 301, '/a%22%3Cb/'],
    ['http://other.example/sub', 301, '/sub/'],
    ['//sub', 301, '/sub/'],
    ['//other.example/..', 400, undefined],
    ['/bare/', 404, undefined],
    ['/odd/', 404, undefined],
    ['/bare/file/', 404, undefined],
    ['/bare/file/more', 404, undefined],
    ['/none', 404, undefined],
    [`/${'long'.repeat(60)}`, 404, undefined],
    ['/%2e%2e/', 400, undefined],
    [`/${'long/'.repeat(1000)}`, 414, undefined],
  ] as const) {
    const { status: got, headers, body } = await site.get(path);
    assert.deepEqual([got, headers.location], [status, location], path);
    assert(!body.includes(site.folder.path));
  }
  await site.assertNothingHeld();
});

test('what was asked for just now is answered at once, with the same list of fields', async context => {
  const site = await SiteServer.start(context, { 'a.txt': 'text' }, {}, { maxStale: 60_000 });
  const said = (target: string, method = 'GET') => saidAtOnce(site.site, requestFor(target, { method }));
  assert.equal(said('/a.txt?1'), 'pending');
  await site.get('/a.txt?2');
  const answers = [said('/a.txt?1'), said('/a.txt')] as Answer[];
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(String(answer.body), 'text');
    assert.equal(answer.headers, answers[0]?.headers);
    releaseBody(answer.body);
  }
  const head = said('/a.txt', 'HEAD') as Answer;
  assert.equal(head.headers, answers[0]?.headers);
  assert.equal(head.body, undefined);
  assert.equal((said('/a.txt', 'POST') as Answer).status, 405);
  await site.assertNothingHeld();
});

test('special files and loops of links are errors, not hangs', async context => {
  const site = await SiteServer.start(context, { file: 'x' });
  execFileSync('mkfifo', [site.folder.file('fifo')]);
  symlinkSync('loop', site.folder.file('loop'));
  assert.equal((await site.get('/fifo')).status, 500);
  assert.equal((await site.get('/loop')).status, 404);
  assert.equal((await site.get('/file')).status, 200);
});

test('the directory may come later, and be a link that is exchanged', async context => {
  const site = await SiteServer.start(context, { 'one/a.txt': 'one', 'two/a.txt': 'two' });
  const current = site.folder.file('current');
  const late = createSite(current, { cache: site.cache });
  const request = requestFor('/a.txt');
  assert.equal((await answerOf(late, request))?.status, 404);
  for (const release of ['one', 'two']) {
    symlinkSync(release, `${current}.new`);
    renameSync(`${current}.new`, current);
    const answer = await answerOf(late, request);
    assert.equal(String(answer?.body), release);
    releaseBody(answer?.body);
  }
});

test('a client that goes away midway leaves nothing behind', async context => {
  const site = await SiteServer.start(context, { large: Buffer.alloc(32 * 1024 ** 2, 'x') });
  const closed = new Promise<void>(resolve => {
    site.server.once('request', (_request, response) => response.once('close', resolve));
  });
  const client = connect(site.port, '127.0.0.1');
  client.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await watchdog(once(client, 'readable'), 'the first bytes');
  client.resetAndDestroy();
  await watchdog(closed, 'the end of the response');
  await site.assertNothingHeld();
});

test('a file replaced while it is sent arrives whole; the next request has the new one', async context => {
  const old = Buffer.alloc(16 * 1024 ** 2, 'old ');
  const site = await SiteServer.start(context, { file: old });
  const client = connect(site.port, '127.0.0.1');
  client.write('GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await watchdog(once(client, 'readable'), 'the first bytes');
  rmSync(site.folder.file('file'));
  writeFileSync(site.folder.file('file'), 'new');
  assert.equal((await site.get('/file')).body.toString(), 'new');
  const pieces: Buffer[] = [];
  for await (const piece of client) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  assert(whole.subarray(whole.indexOf('\r\n\r\n') + 4).equals(old));
});

test('pipelined requests are answered in their order', async context => {
  const site = await SiteServer.start(context, { 'a.txt': 'first', 'b.txt': Buffer.alloc(100_000, 'b') });
  const received = await exchange(
    site.port,
    ['/a.txt', '/none', '/b.txt', '/a.txt']
      .map(
        (path, index) =>
          `GET ${path} HTTP/1.1\r\nHost: x\r\n${index === 3 ? 'Connection: close\r\n' : ''}\r\n`,
      )
      .join(''),
  );
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '404', '200', '200']);
  assert(received.endsWith('first'));
});

test('createSite() refuses what is no directory, no cache, no option', async context => {
  const { cache } = await SiteServer.start(context, {});
  for (const [root, options] of [
    ['', { cache }],
    [3, { cache }],
    ['a\0b', { cache }],
    ['.', undefined],
    ['.', {}],
    ['.', { cache, dotfiles: 'maybe' }],
    ['.', { cache, symlinks: true }],
    ['.', { cache, maxAge: 'soon' }],
    ['.', { cache, maxAge: -1 }],
    ['.', { cache, index: [1] }],
    ['.', { cache, headers: {} }],
  ] as const) {
    assert.throws(() => createSite(root as string, options as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});
