import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ArgumentError,
  BoundsError,
  checkInteger,
  describe,
  IoliteError,
  SystemError,
  systemError,
} from '../../src/base/error.ts';

test('errors have a code, and the name of their class', () => {
  class OwnError extends IoliteError {}
  const cause = new Error('the cause');
  const own = new OwnError('ERR_IOLITE_PEER', 'gone', { cause });
  assert.deepEqual(
    [own.name, own.code, own.message, own.cause],
    ['OwnError', 'ERR_IOLITE_PEER', 'gone', cause],
  );
  assert.equal(new ArgumentError('x').code, 'ERR_IOLITE_ARGUMENT');
  assert.equal(new BoundsError('x').code, 'ERR_IOLITE_RANGE');
});

test('an error of the system has what Node has of its own', () => {
  const error = new SystemError('open', 2, 'Cannot open it');
  const { code, errno, syscall, message } = error;
  assert.deepEqual([code, errno, syscall], ['ENOENT', -2, 'open']);
  assert.equal(message, 'Cannot open it: open answered ENOENT');
  try {
    readFileSync('/none');
    assert.fail('it is there');
  } catch (cause) {
    const ours = systemError(cause, 'Cannot read it') as SystemError;
    assert.ok(ours instanceof SystemError);
    assert.deepEqual([ours.code, ours.errno, ours.syscall], ['ENOENT', -2, 'open']);
  }
  for (const other of [new Error('other'), undefined, { errno: 7 }]) {
    assert.equal(systemError(other, 'Cannot'), other);
  }
});

test('describe() is brief, whatever it is given', () => {
  class Own {}
  for (const [value, text] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [7n, '7'],
    ['short', "'short'"],
    ['x'.repeat(41), 'a string of 41 characters'],
    [() => {}, 'a function'],
    [Symbol('s'), 'a symbol'],
    [[1], 'a value of type Array'],
    [new Own(), 'a value of type Own'],
    [Object.create(null), 'a value of type Object'],
  ] as const) {
    assert.equal(describe(value), text);
  }
  fc.assert(fc.property(fc.anything(), value => describe(value).length < 200));
});

test('checkInteger() takes the integers within its bounds, and says what is wrong with others', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.integer(), (value, a, b) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      if (value >= min && value <= max) checkInteger(value, 'it', min, max);
      else assert.throws(() => checkInteger(value, 'it', min, max), { code: 'ERR_IOLITE_RANGE' });
    }),
  );
  for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, null, undefined]) {
    assert.throws(() => checkInteger(value, 'it', 0, 10), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.throws(() => checkInteger(11, 'it', 0, 10), {
    message: 'Cannot use it: 0 to 10 is wanted, 11 was given',
  });
});
