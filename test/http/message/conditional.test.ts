import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowsRange, evaluate } from '../../../src/http/message/conditional.ts';
import type { ServerRequest } from '../../../src/http/message/exchange.ts';

const STRONG = '"v1"';
const WEAK = 'W/"v1"';
const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT';
const BEFORE = 'Sun, 06 Nov 1994 08:49:36 GMT';
const AFTER = 'Sunday, 06-Nov-94 08:49:38 GMT';

function requestWith(fields: Readonly<Record<string, string>>): ServerRequest {
  return {
    method: 'GET',
    target: '/',
    secure: false,
    remoteAddress: undefined,
    header: name => fields[name],
    rawHeaders: Object.entries(fields).flat(),
    body: undefined,
  };
}

for (const [fields, etag, verdict] of [
  [{}, STRONG, 'proceed'],
  // If-Match compares strongly.
  [{ 'if-match': '*' }, WEAK, 'proceed'],
  [{ 'if-match': STRONG }, STRONG, 'proceed'],
  [{ 'if-match': '"v0", "v1"' }, STRONG, 'proceed'],
  [{ 'if-match': '"a,b" , "v1"' }, STRONG, 'proceed'],
  [{ 'if-match': '"v0"' }, STRONG, 'failed'],
  [{ 'if-match': WEAK }, STRONG, 'failed'],
  [{ 'if-match': WEAK }, WEAK, 'failed'],
  [{ 'if-match': '' }, STRONG, 'failed'],
  // If-None-Match compares weakly.
  [{ 'if-none-match': '*' }, STRONG, 'not-modified'],
  [{ 'if-none-match': STRONG }, STRONG, 'not-modified'],
  [{ 'if-none-match': WEAK }, STRONG, 'not-modified'],
  [{ 'if-none-match': STRONG }, WEAK, 'not-modified'],
  [{ 'if-none-match': '"v0" , W/"v1"' }, WEAK, 'not-modified'],
  [{ 'if-none-match': '"v0"' }, STRONG, 'proceed'],
  [{ 'if-none-match': 'v1' }, STRONG, 'proceed'],
  [{ 'if-none-match': '"v0",\t"a,b"\t' }, '"a,b"', 'not-modified'],
  [{ 'if-none-match': '"a,b"' }, '"a"', 'proceed'],
  [{ 'if-none-match': '"a, v1, b"' }, 'v1', 'proceed'],
  [{ 'if-none-match': 'v1' }, 'v1', 'not-modified'],
  [{ 'if-modified-since': MODIFIED }, WEAK, 'not-modified'],
  [{ 'if-modified-since': AFTER }, WEAK, 'not-modified'],
  [{ 'if-modified-since': BEFORE }, WEAK, 'proceed'],
  [{ 'if-modified-since': '2030-01-01' }, WEAK, 'proceed'],
  [{ 'if-unmodified-since': MODIFIED }, WEAK, 'proceed'],
  [{ 'if-unmodified-since': AFTER }, WEAK, 'proceed'],
  [{ 'if-unmodified-since': BEFORE }, WEAK, 'failed'],
  [{ 'if-unmodified-since': 'never' }, WEAK, 'proceed'],
  // Precedence (RFC 9110, 13.2.2).
  [{ 'if-match': STRONG, 'if-unmodified-since': BEFORE }, STRONG, 'proceed'],
  [{ 'if-match': '"v0"', 'if-none-match': STRONG }, STRONG, 'failed'],
  [{ 'if-match': STRONG, 'if-none-match': STRONG }, STRONG, 'not-modified'],
  [{ 'if-unmodified-since': BEFORE, 'if-none-match': STRONG }, STRONG, 'failed'],
  [{ 'if-none-match': '"v0"', 'if-modified-since': AFTER }, STRONG, 'proceed'],
  [{ 'if-none-match': STRONG, 'if-modified-since': BEFORE }, STRONG, 'not-modified'],
  [{ 'if-none-match': STRONG, 'cache-control': 'no-cache' }, STRONG, 'not-modified'],
] as const) {
  test(`evaluate() of ${JSON.stringify(fields)} against ${etag} says ${verdict}`, () => {
    assert.equal(evaluate(requestWith(fields), { etag, lastModified: MODIFIED }), verdict);
  });
}

test('evaluate() without validators', () => {
  const none = { etag: undefined, lastModified: undefined };
  assert.equal(evaluate(requestWith({ 'if-match': STRONG }), none), 'failed');
  assert.equal(evaluate(requestWith({ 'if-none-match': STRONG }), none), 'proceed');
  assert.equal(evaluate(requestWith({ 'if-modified-since': AFTER }), none), 'proceed');
  assert.equal(evaluate(requestWith({ 'if-unmodified-since': BEFORE }), none), 'proceed');
});

test('what is no date, and an origin states as one, matches none', () => {
  const odd = { etag: undefined, lastModified: 'yesterday' };
  assert.equal(evaluate(requestWith({ 'if-modified-since': AFTER }), odd), 'proceed');
  assert.equal(evaluate(requestWith({ 'if-unmodified-since': BEFORE }), odd), 'proceed');
});

test('a date that says nothing is no validator, whoever states it', () => {
  for (const lastModified of [
    'Thu, 01 Jan 1970 00:00:01 GMT',
    new Date(Date.now() + 3_600_000).toUTCString(),
  ]) {
    const dated = { etag: undefined, lastModified };
    assert.equal(evaluate(requestWith({ 'if-modified-since': lastModified }), dated), 'proceed');
    assert.equal(evaluate(requestWith({ 'if-unmodified-since': BEFORE }), dated), 'proceed');
    assert.equal(allowsRange(lastModified, dated), false);
  }
});

test('allowsRange() takes strong validators only', () => {
  const now = new Date().toUTCString();
  for (const [field, etag, lastModified, expected] of [
    [undefined, WEAK, MODIFIED, true],
    [STRONG, STRONG, MODIFIED, true],
    ['"v0"', STRONG, MODIFIED, false],
    [WEAK, WEAK, MODIFIED, false],
    [STRONG, WEAK, MODIFIED, false],
    [MODIFIED, WEAK, MODIFIED, true],
    [AFTER, WEAK, MODIFIED, false],
    [BEFORE, WEAK, MODIFIED, false],
    [MODIFIED, WEAK, undefined, false],
    // The file could change once more within this second.
    [now, WEAK, now, false],
    ['garbage', STRONG, MODIFIED, false],
  ] as const) {
    assert.equal(allowsRange(field, { etag, lastModified }), expected, field);
  }
});
