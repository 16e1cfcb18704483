import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDirectives } from '../../../../src/http/message/cache-control.ts';
import { mayStore } from '../../../../src/http/proxy/cache/storable.ts';

const FRESH = ['Cache-Control', 'max-age=60'];

function stores(
  headers: readonly string[],
  { method = 'GET', asks = '', authorized = false, status = 200 } = {},
): boolean {
  return mayStore({ method, directives: parseDirectives(asks), authorized }, status, headers);
}

test('a response to a GET is stored if it is whole, and fresh for a while', () => {
  assert.equal(stores(FRESH), true);
  assert.equal(stores(['Expires', 'Thu, 01 Jan 2032 00:00:00 GMT']), true);
  assert.equal(stores(['Cache-Control', 's-maxage=1']), true);
  for (const method of ['HEAD', 'POST', 'get']) assert.equal(stores(FRESH, { method }), false);
  for (const status of [100, 206, 304, 500, 502, 503, 504]) assert.equal(stores(FRESH, { status }), false);
  for (const status of [200, 203, 301, 404, 410]) assert.equal(stores(FRESH, { status }), true);
});

test('a response without a lifetime is stored if it can be validated, and its status is known', () => {
  assert.equal(stores([]), false);
  assert.equal(stores(['ETag', '"a"']), true);
  assert.equal(stores(['Last-Modified', 'Fri, 01 Jan 2021 00:00:00 GMT']), true);
  assert.equal(stores(['Last-Modified', 'Thu, 01 Jan 1970 00:00:01 GMT']), false);
  assert.equal(stores(['ETag', '"a"'], { status: 299 }), false);
  assert.equal(stores(['ETag', '"a"', 'Cache-Control', 'public'], { status: 299 }), true);
});

test('who asks or answers may forbid it', () => {
  assert.equal(stores(FRESH, { asks: 'no-store' }), false);
  for (const directive of ['no-store', 'private', 'private="X"', 'No-Store']) {
    assert.equal(stores(['Cache-Control', `max-age=60, ${directive}`]), false, directive);
  }
  assert.equal(stores(['Cache-Control', 'max-age=60, must-understand'], { status: 299 }), false);
  assert.equal(stores(['Cache-Control', 'max-age=60, must-understand']), true);
  assert.equal(stores([...FRESH, 'Vary', 'Accept, *']), false);
  assert.equal(stores([...FRESH, 'Vary', 'Accept']), true);
});

test('what is for one user is not stored for all', () => {
  const forAll = [['public'], ['s-maxage=60']];
  for (const headers of [FRESH, [...FRESH, 'Set-Cookie', 'a=1']]) {
    const isCookie = headers.length > 2;
    assert.equal(stores(headers, { authorized: !isCookie }), false);
    for (const [directive] of forAll) {
      const open = ['Cache-Control', `max-age=60, ${directive}`, ...headers.slice(2)];
      assert.equal(stores(open, { authorized: !isCookie }), true, directive);
    }
  }
  assert.equal(stores(['Cache-Control', 'max-age=60, must-revalidate'], { authorized: true }), true);
});
