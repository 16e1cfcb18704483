import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withStatus } from '../../../../src/http/proxy/cache/cache-status.ts';

test('Cache-Status tells how a request was dealt with (RFC 9211)', () => {
  for (const [handled, text] of [
    [{}, 'iolite'],
    [{ hit: true, ttl: 59.9 }, 'iolite; hit; ttl=59'],
    [{ hit: true, ttl: -0.5 }, 'iolite; hit; ttl=-1'],
    [{ forwarded: 'uri-miss', stored: true, ttl: 60 }, 'iolite; fwd=uri-miss; stored; ttl=60'],
    [
      { forwarded: 'stale', forwardedStatus: 304, collapsed: true },
      'iolite; fwd=stale; fwd-status=304; collapsed',
    ],
    [{ hit: false, stored: false, collapsed: false }, 'iolite'],
    [
      { forwarded: 'uri-miss', stored: false, refusal: 'too-large' },
      'iolite; fwd=uri-miss; stored=?0; detail=too-large',
    ],
  ] as const) {
    assert.deepEqual(withStatus(['X-A', 'b'], handled), ['X-A', 'b', 'Cache-Status', text]);
  }
});

test('what caches nearer to the origin say comes first', () => {
  const headers = ['cache-status', 'far; hit', 'X-A', 'b', 'Cache-Status', 'near; fwd=stale'];
  assert.deepEqual(withStatus(headers, { hit: true }), [
    'X-A',
    'b',
    'Cache-Status',
    'far; hit, near; fwd=stale, iolite; hit',
  ]);
});
