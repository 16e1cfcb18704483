import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheDirectivesOf } from '../../../../src/http/proxy/cache/cache-directives.ts';
import { Harness } from '../support/harness.ts';

test('what is for caches in front of an origin takes the place of what is for all (RFC 9213)', () => {
  const all = ['Cache-Control', 'no-store', 'Expires', '0'];
  const said = (field: string) => cacheDirectivesOf([...all, 'CDN-Cache-Control', field]);
  assert.deepEqual([...said('max-age=60').directives], [['max-age', '60']]);
  assert.equal(said('max-age=60').expires, undefined);
  for (const malformed of ['', 'max-age=', 'max-age=1;;']) {
    assert.deepEqual([...said(malformed).directives.keys()], ['no-store'], malformed);
    assert.equal(said(malformed).expires, '0');
  }
});

test('a response is kept here that others are not to keep, and the other way round', async () => {
  await using harness = await Harness.start((request, response) => {
    const [here, there] = request.url === '/here' ? ['max-age=60', 'no-store'] : ['no-store', 'max-age=60'];
    response.setHeader('CDN-Cache-Control', here).setHeader('Cache-Control', there).end('content');
  });
  for (const path of ['/here', '/here', '/there', '/there']) {
    const { headers } = await harness.get(path);
    assert.equal(headers['cache-control'], path === '/here' ? 'no-store' : 'max-age=60');
  }
  assert.deepEqual(
    harness.asked.map(({ url }) => url),
    ['/here', '/there', '/there'],
  );
});
