import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Replays } from '../../../src/cluster/pulls/replays.ts';

test('a number is new once, in whatever order numbers come', () => {
  const replays = new Replays();
  for (const count of [3, 1, 2]) assert.equal(replays.isNew('one', count), true);
  for (const count of [3, 1, 2]) assert.equal(replays.isNew('one', count), false);
  assert.equal(replays.isNew('other', 1), true);
});

test('what is older than the last thousands is not new, whether it was here or not', () => {
  const replays = new Replays();
  for (let count = 2; count <= 20_000; count++) assert.equal(replays.isNew('one', count), true);
  assert.equal(replays.isNew('one', 1), false);
  assert.equal(replays.isNew('one', 19_999), false);
});
