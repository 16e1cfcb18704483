import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { checkValue } from '../../../src/ipc/workers/task-value.ts';

test('what JSON says as it is passes', () => {
  class Point {
    x = 1;
  }
  const passing = [
    undefined,
    null,
    'a',
    1,
    true,
    [],
    [undefined, [1]],
    { a: undefined, b: { c: [new Date()] } },
    Object.create(null),
    new Point(),
    runInNewContext('({ a: [1] })'),
    { toJSON: () => 1, a: 1 },
  ];
  for (const value of passing) checkValue(value, 'task');
});

test('what JSON would change without a word is refused, with its place', () => {
  const places: [unknown, string][] = [
    [() => {}, 'task'],
    [Symbol('a'), 'task'],
    [[[1n]], 'task[0][0]'],
    [{ a: { b: new Set() } }, 'task.a.b'],
    [{ a: [0, new Float64Array(1)] }, 'task.a[1]'],
    [[new ArrayBuffer(1)], 'task[0]'],
    [[new SharedArrayBuffer(1)], 'task[0]'],
    [[/a/], 'task[0]'],
    [[new Error('a')], 'task[0]'],
    [[Promise.resolve()], 'task[0]'],
    [[runInNewContext('new Map()')], 'task[0]'],
  ];
  for (const [value, place] of places) {
    assert.throws(() => checkValue(value, 'task'), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: new RegExp(` was given at ${place.replace(/[[\].]/g, '\\$&')}(;|$)`),
    });
  }
});
