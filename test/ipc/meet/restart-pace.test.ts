import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPace } from '../../../src/ipc/meet/restart-pace.ts';

test('what dies soon after its start is started later each time, until one lives for a while', () => {
  const pace = new RestartPace();
  const now = performance.now();
  const delays = Array.from({ length: 8 }, () => pace.ended(true, now));
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(pace.ended(true, now - 10_000), 0);
  assert.equal(pace.ended(true, performance.now()), 100);
});

test('what never serves is failing the third time, until one serves', () => {
  const pace = new RestartPace();
  const long = performance.now() - 10_000;
  assert.deepEqual([pace.ended(false, long), pace.ended(false, long)], [100, 200]);
  assert.equal(pace.isFailing, false);
  pace.ended(false, long);
  assert.equal(pace.isFailing, true);
  pace.served();
  assert.equal(pace.isFailing, false);
});
