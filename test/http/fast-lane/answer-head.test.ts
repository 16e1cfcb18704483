import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerHead, type Framing } from '../../../src/http/fast-lane/answer-head.ts';

function head(headers: readonly string[], framing: Framing, closing = false): string {
  const answer = { status: 200, headers, body: undefined };
  return Buffer.concat(answerHead(answer, framing, 5, closing)).toString('latin1');
}

const lines = (text: string): string[] => text.split('\r\n').slice(0, -2);

test('a head has the length or the coding that its fields lack, and the date, each once', () => {
  for (const [headers, framing, added] of [
    [[], 'length', ['Content-Length: 5']],
    [['Content-Length', '5'], 'length', []],
    [[], 'chunked', ['Transfer-Encoding: chunked']],
    [[], 'none', []],
  ] as const) {
    // Twice: the second time its lines are at hand.
    for (let time = 0; time < 2; time++) {
      const text = head(headers, framing);
      assert.ok(text.endsWith('\r\n\r\n'));
      assert.equal(lines(text)[0], 'HTTP/1.1 200 OK');
      for (const line of added) assert.equal(lines(text).filter(each => each === line).length, 1);
      assert.equal(lines(text).filter(each => each.startsWith('Date: ')).length, 1);
      assert.equal(lines(text).length, 2 + added.length + headers.length / 2);
    }
  }
});

test('the date of a server behind this one stays, and is the only one', () => {
  const date = 'Tue, 15 Nov 1994 08:12:31 GMT';
  for (const framing of ['length', 'chunked', 'none'] as const) {
    for (const closing of [false, true]) {
      const got = lines(head(['date', date], framing, closing));
      assert.deepEqual(
        got.filter(line => /^date:/i.test(line)),
        [`date: ${date}`],
      );
      assert.equal(got.includes('Connection: close'), closing);
    }
  }
});

test('fields and statuses that cannot be sent are refused', () => {
  for (const headers of [
    ['a b', 'c'],
    ['a', 'b\r\nc: d'],
    ['', 'x'],
  ]) {
    assert.throws(() => head(headers, 'none'), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  const answer = { status: 99, headers: [], body: undefined };
  assert.throws(() => answerHead(answer, 'none', 0, false), { code: 'ERR_IOLITE_ARGUMENT' });
});
