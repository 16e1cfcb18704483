import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckedHeaders } from '../../../src/http/app/checked-headers.ts';

test('check() gives the same list again, with its length', () => {
  const checked = new CheckedHeaders();
  const first = checked.check(['Content-Type', 'text/plain', 'content-LENGTH', '12']);
  assert.equal(first.contentLength, 12);
  assert.equal(checked.check(['Content-Type', 'text/plain', 'content-LENGTH', '12']), first);
  assert.equal(checked.check(['X', 'caf\u00e9\ttab']).contentLength, undefined);
  for (let i = 0; i < 1000; i++) checked.check(['ETag', `"${i}"`]);
});

test('check() refuses what could be taken for something else', () => {
  const checked = new CheckedHeaders();
  const bad = [
    ['X', 'a\r\nY: b'],
    ['X', 'a\nb'],
    ['X', 'a\0'],
    ['X', '\u0100'],
    ['X: Y', 'a'],
    ['', 'a'],
    ['Content-Length', '-1'],
    ['Content-Length', '1, 1'],
    ['Content-Length', '1', 'content-length', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['connection', 'close'],
    ['Date', 'now'],
  ];
  for (const list of bad) {
    assert.throws(() => checked.check(list), { code: 'ERR_IOLITE_PROTOCOL' }, JSON.stringify(list));
  }
  // Not even when a good list has the same text.
  checked.check(['A', 'b', 'C', 'd']);
  assert.deepEqual(checked.check(['A', 'b\nC\nd']).headers, ['A', 'b', 'C', 'd']);
});
