import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EachSecond } from '../../../../src/http/message/encoded/each-second.ts';

test('it is made once in a second, and anew in the next', t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_400 });
  let made = 0;
  const second = new EachSecond(date => `${++made}: ${date}`);
  assert.equal(second.value, '1: Thu, 01 Jan 1970 00:16:40 GMT');
  t.mock.timers.tick(599);
  assert.equal(second.value, '1: Thu, 01 Jan 1970 00:16:40 GMT');
  t.mock.timers.tick(1);
  assert.equal(second.value, '2: Thu, 01 Jan 1970 00:16:41 GMT');
  t.mock.timers.tick(60_000);
  assert.equal(second.value, '3: Thu, 01 Jan 1970 00:17:41 GMT');
});
