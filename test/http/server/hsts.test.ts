import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withHsts } from '../../../src/http/server/hsts.ts';

test('Strict-Transport-Security says for how long and for whom, unless the fields have it', () => {
  const said = (hsts: Parameters<typeof withHsts>[1]): string | null | undefined =>
    withHsts({ 'X-Other': '1' }, hsts)['Strict-Transport-Security'];
  assert.equal(said(undefined), undefined);
  assert.equal(said(false), undefined);
  assert.equal(said(true), 'max-age=31536000');
  assert.equal(said({ maxAge: '1 hour' }), 'max-age=3600');
  assert.equal(said({ maxAge: 0 }), 'max-age=0');
  assert.equal(
    said({ maxAge: '2 years', includeSubDomains: true, preload: true }),
    'max-age=63115200; includeSubDomains; preload',
  );
  const own = { 'strict-transport-security': 'max-age=1' };
  assert.equal(withHsts(own, true), own);
  for (const hsts of [
    { preload: true },
    { preload: true, includeSubDomains: true, maxAge: '1 day' },
    { maxAge: 'x' },
  ])
    assert.throws(() => withHsts({}, hsts), { code: 'ERR_IOLITE_ARGUMENT' });
});
