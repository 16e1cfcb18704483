import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../../../src/http/message/status-of-error.ts';

test('statusOf() tells missing, forbidden, exhausted and unknown apart', () => {
  for (const [code, status] of [
    ['ENOENT', 404],
    ['ENOTDIR', 404],
    ['EACCES', 403],
    ['EMFILE', 503],
    ['ERR_IOLITE_LIMIT', 503],
    ['ERR_IOLITE_PEER', 503],
    ['EIO', 500],
    ['toString', 500],
  ] as const) {
    assert.equal(statusOf(Object.assign(new Error(code), { code })), status, code);
  }
  for (const odd of [undefined, null, 'ENOENT', 3, new Error('no code'), { code: 404 }]) {
    assert.equal(statusOf(odd), 500);
  }
});
