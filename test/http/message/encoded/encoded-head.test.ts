import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSendable, EncodedHeads } from '../../../../src/http/message/encoded/encoded-head.ts';
import type { KeptHead } from '../../../../src/http/message/exchange.ts';

function counted(place: 'head' | 'block'): { heads: EncodedHeads; encoded: () => number } {
  let count = 0;
  const heads = new EncodedHeads(place, (status, headers, end) => {
    count += 1;
    return Buffer.from([status, ...headers.slice(0, end)].join('|'));
  });
  return { heads, encoded: () => count };
}

test('a list of fields is encoded once for each status, whoever has it', () => {
  const { heads, encoded } = counted('head');
  const headers = ['ETag', '"x"', 'Date', 'then'];
  for (const [status, total] of [
    [200, 1],
    [200, 1],
    [206, 2],
  ] as const) {
    const head = heads.of({ status, headers, body: undefined });
    assert.equal(head.bytes.toString(), `${status}|ETag|"x"|Date|then`);
    assert.deepEqual([head.hasDate, head.hasLength, encoded()], [true, false, total]);
  }
});

test('what is kept with an answer has a place for each protocol, and only its fixed fields', () => {
  const [one, two] = [counted('head'), counted('block')];
  const kept: KeptHead = { head: undefined, fixed: 2 };
  for (const age of ['1', '2']) {
    const answer = { status: 200, headers: ['Content-Length', '5', 'Age', age], body: undefined, kept };
    for (const { heads } of [one, two])
      assert.equal(heads.of(answer).bytes.toString(), '200|Content-Length|5');
    assert.equal(one.heads.statesLength(answer), true);
  }
  assert.deepEqual([one.encoded(), two.encoded()], [1, 1]);
});

test('whether the length is stated is known before anything is encoded', () => {
  const { heads, encoded } = counted('head');
  assert.equal(heads.statesLength({ status: 200, headers: ['content-length', '5'], body: undefined }), true);
  assert.equal(heads.statesLength({ status: 200, headers: ['x', '5'], body: undefined }), false);
  assert.equal(encoded(), 0);
});

test('statuses and fields that cannot be sent are refused', () => {
  const { heads, encoded } = counted('head');
  for (const status of [99, 199, 1000, 200.5, Number.NaN]) {
    assert.throws(() => heads.of({ status, headers: [], body: undefined }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.equal(encoded(), 0);
  assert.throws(() => checkSendable('a', 'b\r\nc: d'), { code: 'ERR_IOLITE_ARGUMENT' });
  checkSendable('a', 'b');
});
