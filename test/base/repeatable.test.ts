import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALWAYS_REPEATABLE, type Repeatable, repeatableWhile } from '../../src/base/repeatable.ts';

test('what is right for good adds no condition', () => {
  const repeatable = { mayRepeat: () => false };
  assert.equal(repeatableWhile(ALWAYS_REPEATABLE, repeatable), repeatable);
  assert.equal(ALWAYS_REPEATABLE.mayRepeat(), true);
});

test('two may be repeated as long as both may; the second is not asked where the first may not', () => {
  const asked: string[] = [];
  const one = { may: true, mayRepeat: () => asked.push('one') > 0 && one.may };
  const other = { may: true, mayRepeat: () => asked.push('other') > 0 && other.may };
  const both = repeatableWhile(one, other);
  assert.equal(both.mayRepeat(), true);
  other.may = false;
  assert.equal(both.mayRepeat(), false);
  one.may = false;
  asked.length = 0;
  assert.equal(both.mayRepeat(), false);
  assert.deepEqual(asked, ['one']);
  assert.equal(both.renew, undefined);
});

test('what is brought up to date is so under a condition too', () => {
  const memory = Buffer.from('age 1');
  const aging: Repeatable = {
    mayRepeat: () => true,
    renew: (bytes, end) => {
      bytes[end - 1] = 0x32;
    },
  };
  repeatableWhile({ mayRepeat: () => true }, aging).renew?.(memory, memory.length);
  assert.equal(memory.toString(), 'age 2');
});
