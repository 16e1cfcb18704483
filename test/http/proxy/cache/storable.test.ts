import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDirectives } from '../../../../src/http/message/cache-control.ts';
import { mayStore } from '../../../../src/http/proxy/cache/storable.ts';

const FRESH = ['Cache-Control', 'max-age=60'];

function stores(
  headers: readonly string[],
  {
    method = 'GET',
    asks = '',
    authorized = false,
    hasCookie = false,
    status = 200,
    storeCookies = false,
  } = {},
): boolean {
  const asked = { method, directives: parseDirectives(asks), authorized, hasCookie };
  return mayStore(asked, status, headers, storeCookies);
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
  assert.equal(stores(FRESH, { authorized: true }), false);
  for (const directive of ['public', 's-maxage=60', 'must-revalidate']) {
    assert.equal(
      stores(['Cache-Control', `max-age=60, ${directive}`], { authorized: true }),
      true,
      directive,
    );
  }
  // What says nothing of caches may be for who has the cookie.
  const unstated = ['Last-Modified', 'Fri, 01 Jan 2021 00:00:00 GMT'];
  assert.equal(stores(unstated, { hasCookie: true }), false);
  assert.equal(stores([...unstated, 'Cache-Control', 'public'], { hasCookie: true }), true);
  assert.equal(stores(FRESH, { hasCookie: true }), true);
});

test('what sets cookies is not stored, whatever it says, unless that is asked for', () => {
  const open = ['Cache-Control', 'public, max-age=60, s-maxage=60'];
  for (const name of ['Set-Cookie', 'set-cookie2', 'Clear-Site-Data', 'Authentication-Info']) {
    assert.equal(stores([...open, name, 'a=1']), false, name);
    assert.equal(stores([...open, name, 'a=1'], { storeCookies: true }), true, name);
    assert.equal(stores([...FRESH, name, 'a=1'], { storeCookies: true }), false, name);
  }
});

test('an error that the fields of one request may have caused is not stored for others', () => {
  for (const status of [400, 401, 403, 406, 413, 416, 421, 429, 431, 505]) {
    assert.equal(stores(FRESH, { status }), false, `${status}`);
  }
  for (const status of [404, 405, 410, 414, 451, 501]) assert.equal(stores(FRESH, { status }), true);
});

test('a response that varies by who the client is, or by all there is, is not stored', () => {
  for (const vary of ['X-Forwarded-For', 'Accept, Forwarded', 'via', 'X-Real-IP']) {
    assert.equal(stores([...FRESH, 'Vary', vary]), false, vary);
  }
  const names = Array.from({ length: 20 }, (_, index) => `x-${index}`);
  assert.equal(stores([...FRESH, 'Vary', names.join(', ')]), true);
  assert.equal(stores([...FRESH, 'Vary', [...names, 'x'].join(', ')]), false);
});
