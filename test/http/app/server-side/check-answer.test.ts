import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAnswer } from '../../../../src/http/app/server-side/check-answer.ts';
import { constantHead } from '../../../../src/ipc/wire/head.ts';

test('checkAnswer() gives the same list again for a head that cannot change, with its length', () => {
  const head = constantHead([200, 1, ['Content-Type', 'text/plain', 'content-LENGTH', '12']]);
  const first = checkAnswer(head);
  assert.equal(first.status, 200);
  assert.equal(first.contentLength, 12);
  assert.equal(checkAnswer(head), first);
  const other = [200, 1, ['Content-Length', '1']];
  assert.equal(checkAnswer(other).contentLength, 1);
  other[2] = ['Content-Length', '2'];
  assert.equal(checkAnswer(other).contentLength, 2);
  assert.equal(checkAnswer([404, 0, ['X', 'caf\u00e9\ttab']]).contentLength, undefined);
});

test('checkAnswer() refuses what could be taken for something else', () => {
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
    ['trailer', 'X'],
    ['connection', 'close'],
    ['X'],
  ];
  for (const list of bad) {
    const head = [200, 0, list];
    assert.throws(() => checkAnswer(head), { code: 'ERR_IOLITE_PROTOCOL' }, JSON.stringify(list));
    constantHead(head);
    for (let i = 0; i < 2; i++) assert.throws(() => checkAnswer(head), { code: 'ERR_IOLITE_PROTOCOL' });
  }
  for (const head of [undefined, null, 7, [], [200, 0], [199, 0, []], [600, 0, []], ['200', 0, []]]) {
    assert.throws(() => checkAnswer(head), { code: 'ERR_IOLITE_PROTOCOL' }, JSON.stringify(head));
  }
});
