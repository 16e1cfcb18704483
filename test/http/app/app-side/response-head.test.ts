import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppHeaders } from '../../../../src/http/app/app-side/application.ts';
import { responseHead } from '../../../../src/http/app/app-side/response-head.ts';

const FACTS = { status: 200, body: 1, length: 5, isText: false };

test('frozen fields make one head for each length, status and kind of body', () => {
  const headers = Object.freeze({ 'X-A': 'a', 'X-B': 1 });
  const head = responseHead(headers, FACTS);
  assert.deepEqual(head, [200, 1, ['X-A', 'a', 'X-B', '1', 'Content-Length', '5']]);
  assert.equal(responseHead(headers, { ...FACTS }), head);
  const others = [{ length: 6 }, { status: 404 }, { body: 2 }, { isText: true }, { length: undefined }];
  for (const other of others) {
    const facts = { ...FACTS, ...other };
    assert.deepEqual(responseHead(headers, facts), responseHead({ ...headers }, facts));
  }
  assert.deepEqual(responseHead(headers, FACTS), head);
  for (let length = 0; length < 200; length++) {
    const [, , fields] = responseHead(headers, { ...FACTS, length }) as [number, number, string[]];
    assert.deepEqual(fields.slice(-2), ['Content-Length', String(length)]);
  }
});

test('fields that can change although they are frozen are read each time', () => {
  let value = 'a';
  const lines = ['a'];
  const map = new Map([['X', 'a']]);
  const list: [given: AppHeaders, change: () => void][] = [
    [
      Object.freeze({
        get X() {
          return value;
        },
      }),
      () => {
        value = 'b';
      },
    ],
    [Object.freeze({ X: lines }), () => lines.splice(0, 1, 'b')],
    [Object.freeze(map), () => map.set('X', 'b')],
    [
      Object.freeze(Object.create({ X: 'a' }, {})) as AppHeaders,
      function change(this: void) {
        Object.getPrototypeOf(list[3]?.[0]).X = 'b';
      },
    ],
  ];
  for (const [headers, change] of list) {
    assert.deepEqual(responseHead(headers, FACTS), [200, 1, ['X', 'a', 'Content-Length', '5']]);
    change();
    assert.deepEqual(responseHead(headers, FACTS), [200, 1, ['X', 'b', 'Content-Length', '5']]);
  }
});

test('lists of fields may be frozen, too, and fields that are none are refused', () => {
  const list = Object.freeze(['content-length', '5', 'Content-Type', 'text/html']);
  const head = responseHead(list, { ...FACTS, isText: true });
  assert.deepEqual(head, [200, 1, [...list]]);
  assert.equal(responseHead(list, { ...FACTS, isText: true }), head);
  assert.deepEqual(responseHead(undefined, { ...FACTS, isText: true }), [
    200,
    1,
    ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', '5'],
  ]);
  for (const bad of [Object.freeze(['X']), Object.freeze({ X: true }), 7]) {
    assert.throws(() => responseHead(bad as AppHeaders, FACTS), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});
