import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { SiteServer } from '../support/site-server.ts';

const HOSTILE = `<img src=x onerror=alert(1)>"&'.txt`;

test('directories without an index file are listed as HTML, escaped', async context => {
  const site = await SiteServer.start(
    context,
    {
      [`sub/${HOSTILE}`]: 'x',
      'sub/javascript:alert(1)': 'x',
      'sub/a#b?c%d é.txt': 'found',
      'sub/.hidden': 'x',
      'sub/deeper/file': 'x',
      'with-index/index.html': 'index',
    },
    { listing: true },
  );
  const { status, headers, body } = await site.get('/sub/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.deepEqual([headers.vary, headers['x-content-type-options']], ['Accept', 'nosniff']);
  const page = body.toString();
  assert(!page.includes('<img'));
  assert(!page.includes('.hidden'));
  assert(page.includes('&lt;img src=x onerror=alert(1)&gt;&quot;&amp;&#39;.txt'));
  const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link = '']) => link);
  assert.deepEqual(links.slice(0, 2), ['../', './deeper/']);
  // Each leads to what it names, and nowhere else.
  const base = `http://127.0.0.1:${site.port}/sub/`;
  for (const link of links) {
    const { protocol, port, pathname, search } = new URL(link, base);
    assert.deepEqual([protocol, port, search], ['http:', String(site.port), '']);
    assert.equal((await site.get(pathname)).status, 200, link);
  }
  assert.equal((await site.get('/with-index/')).body.toString(), 'index');
  assert.equal((await site.get('/sub')).status, 301);
  const head = await site.get('/sub/', {}, 'HEAD');
  assert.deepEqual(
    [head.status, head.headers['content-length'], head.body.length],
    [200, String(body.length), 0],
  );
});

test('directories are listed as JSON for those who accept it', async context => {
  const site = await SiteServer.start(context, { [`a/${HOSTILE}`]: 'x', 'a/b/c': 'y' }, { listing: true });
  const { headers, body } = await site.get('/a/', { Accept: 'application/json' });
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.deepEqual(JSON.parse(body.toString()), {
    path: '/a/',
    entries: [
      { name: 'b', type: 'directory' },
      { name: HOSTILE, type: 'file' },
    ],
  });
  const neither = await site.get('/a/', { Accept: 'image/png' });
  assert.deepEqual([neither.status, neither.headers.vary], [406, 'Accept']);
});

test('listings tell nothing that is not served', async context => {
  const site = await SiteServer.start(context, { 'a/file': 'x' }, { listing: true, dotfiles: 'allow' });
  mkdirSync(site.folder.file('a/.well-known'));
  symlinkSync('/etc/passwd', site.folder.file('a/outside'));
  symlinkSync('nowhere', site.folder.file('a/dangling'));
  symlinkSync('file', site.folder.file('a/inside'));
  symlinkSync('/etc', site.folder.file('etc'));
  const { body } = await site.get('/a/', { Accept: 'application/json' });
  const { entries } = JSON.parse(body.toString()) as { entries: { name: string }[] };
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['.well-known', 'file', 'inside'],
  );
  assert.equal((await site.get('/etc/')).status, 403);
});

test('without the option, directories are not listed', async context => {
  const site = await SiteServer.start(context, { 'sub/file': 'x' });
  assert.equal((await site.get('/sub/')).status, 404);
});
