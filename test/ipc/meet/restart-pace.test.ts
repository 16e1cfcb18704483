import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPace } from '../../../src/ipc/meet/restart-pace.ts';

test('what dies soon after it served is started later each time, until one lives for a while', () => {
  const pace = new RestartPace();
  const now = performance.now();
  const delays = Array.from({ length: 8 }, () => pace.ended(now));
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(pace.ended(now - 10_000), 0);
  assert.equal(pace.ended(performance.now()), 100);
});

test('what never serves is failing the third time', () => {
  const pace = new RestartPace(() => 0);
  assert.deepEqual([pace.ended(undefined), pace.ended(undefined)], [100, 200]);
  assert.equal(pace.isFailing, false);
  pace.ended(undefined);
  assert.equal(pace.isFailing, true);
});

test('what has served is failing when no start has succeeded for ten seconds', () => {
  let time = 0;
  const pace = new RestartPace(() => time);
  pace.served();
  for (let i = 0; i < 5; i++) pace.ended(undefined);
  assert.equal(pace.isFailing, false);
  time = 9_999;
  assert.equal(pace.isFailing, false);
  time = 10_000;
  assert.equal(pace.isFailing, true);
  pace.served();
  time = 30_000;
  for (let i = 0; i < 3; i++) pace.ended(undefined);
  assert.equal(pace.isFailing, false);
});
