import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReaderPace } from '../../src/network/reader-pace.ts';

test('a reader is as fast as it was the last time, and slow as long as nothing is known', context => {
  let now = 1000;
  context.mock.method(performance, 'now', () => now);
  const pace = new ReaderPace();
  const state = (): [boolean, boolean] => [pace.isFast, pace.isUnknown];
  assert.deepEqual(state(), [false, false]);
  pace.caughtUp();
  assert.deepEqual(state(), [false, false]);
  pace.sent(undefined);
  assert.deepEqual(state(), [false, true]);
  now += 50;
  pace.caughtUp();
  assert.deepEqual(state(), [true, false]);
  // It is not asked again while it keeps up.
  pace.sent(undefined);
  pace.sent(true);
  assert.deepEqual(state(), [true, false]);
  pace.sent(false);
  assert.deepEqual(state(), [false, false]);
  pace.sent(undefined);
  now += 51;
  pace.caughtUp();
  assert.deepEqual(state(), [false, false]);
});
