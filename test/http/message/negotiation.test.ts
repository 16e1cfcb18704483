import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCoding, chooseMediaType } from '../../../src/http/message/negotiation.ts';
import { SiteServer } from '../support/site-server.ts';
import { withCodings, wrapCache } from '../support/wrapped-cache.ts';

for (const [field, choice] of [
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, zstd', 'zstd'],
  ['gzip;q=1.0, br;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['deflate', 'identity'],
  ['*', 'br'],
  ['*;q=0.5, gzip', 'gzip'],
  ['br;q=0.5, identity', 'identity'],
  ['gzip;q=0, br;q=0, zstd;q=0', 'identity'],
  ['identity;q=0', undefined],
  ['identity;q=0, gzip', 'gzip'],
  ['*;q=0', undefined],
  ['*;q=0, identity', 'identity'],
  ['br;q=x', 'identity'],
] as const) {
  test(`chooseCoding('${field}')`, () => {
    for (let round = 0; round < 2; round++) {
      assert.equal(chooseCoding(field, ['br', 'zstd', 'gzip']), choice);
    }
  });
}

test('chooseCoding() with nothing to choose from', () => {
  assert.equal(chooseCoding('gzip, br', []), 'identity');
  assert.equal(chooseCoding('identity;q=0', []), undefined);
});

test('chooseMediaType() goes by quality, then by our order', () => {
  const types = ['text/html', 'application/json'] as const;
  assert.equal(chooseMediaType(undefined, types), 'text/html');
  assert.equal(chooseMediaType('*/*', types), 'text/html');
  assert.equal(chooseMediaType('application/json', types), 'application/json');
  assert.equal(chooseMediaType('text/html;q=0.5, application/*', types), 'application/json');
  assert.equal(chooseMediaType('image/png', types), undefined);
});

test('a form in a coding that the client accepts is sent, with its own tag and Vary', async context => {
  const site = await SiteServer.start(
    context,
    { 'a.txt': 'text' },
    {},
    {
      wrap: cache => wrapCache(cache, withCodings(['gzip', 'br'])),
    },
  );
  const plain = await site.get('/a.txt');
  assert.deepEqual([plain.headers['content-encoding'], plain.headers.vary], [undefined, 'Accept-Encoding']);
  assert.equal(plain.body.toString(), 'text');
  const coded = await site.get('/a.txt', { 'Accept-Encoding': 'gzip, br' });
  assert.equal(coded.status, 200);
  assert.equal(coded.headers['content-encoding'], 'br');
  assert.equal(coded.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(coded.headers['content-length'], '7');
  assert.equal(coded.headers.vary, 'Accept-Encoding');
  assert.equal(coded.body.toString(), 'br:text');
  assert.notEqual(coded.headers.etag, plain.headers.etag);
  for (const [accepted, tag, status] of [
    ['br', coded.headers.etag, 304],
    ['br', plain.headers.etag, 200],
    ['identity', plain.headers.etag, 304],
    ['identity', coded.headers.etag, 200],
  ] as const) {
    const again = await site.get('/a.txt', { 'Accept-Encoding': accepted, 'If-None-Match': tag ?? '' });
    assert.deepEqual([again.status, again.headers.vary], [status, 'Accept-Encoding']);
  }
  // Ranges are of what is sent.
  const range = await site.get('/a.txt', { 'Accept-Encoding': 'br', Range: 'bytes=0-2' });
  assert.deepEqual([range.status, range.headers['content-range']], [206, 'bytes 0-2/7']);
  assert.deepEqual([range.headers['content-encoding'], range.body.toString()], ['br', 'br:']);
  const refused = await site.get('/a.txt', { 'Accept-Encoding': '*;q=0' });
  assert.deepEqual([refused.status, refused.headers.vary], [406, 'Accept-Encoding']);
  await site.assertNothingHeld();
});

test('a site without encodings sends files as they are', async context => {
  const site = await SiteServer.start(
    context,
    { 'a.txt': 'text' },
    { encodings: false },
    {
      wrap: cache => wrapCache(cache, withCodings(['gzip', 'br'])),
    },
  );
  const { headers, body } = await site.get('/a.txt', { 'Accept-Encoding': 'br' });
  assert.deepEqual(
    [headers['content-encoding'], headers.vary, body.toString()],
    [undefined, undefined, 'text'],
  );
  await site.assertNothingHeld();
});
