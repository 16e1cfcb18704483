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
    assert.equal(statusOf(Object.assign(new Error(code), { code }), 'file'), status, code);
  }
  for (const odd of [undefined, null, 'ENOENT', 3, new Error('no code'), { code: 404 }]) {
    assert.equal(statusOf(odd, 'file'), 500);
    assert.equal(statusOf(odd, 'application'), 502);
    assert.equal(statusOf(odd, 'origin'), 502);
  }
});

test('statusOf() tells by who failed what a code means', () => {
  for (const [code, file, application, origin] of [
    ['ENOENT', 404, 502, 502],
    ['ERR_IOLITE_TIMEOUT', 500, 504, 504],
    ['ERR_IOLITE_CLOSED', 503, 502, 503],
    ['ERR_IOLITE_ARGUMENT', 500, 502, 400],
    ['ERR_IOLITE_BUSY', 500, 503, 503],
    ['ERR_IOLITE_TOO_LONG', 500, 413, 502],
    ['ERR_IOLITE_APPLICATION', 500, 500, 502],
    ['ERR_IOLITE_ORIGIN', 500, 502, 502],
  ] as const) {
    const statuses = (['file', 'application', 'origin'] as const).map(source => statusOf({ code }, source));
    assert.deepEqual(statuses, [file, application, origin], code);
  }
});
