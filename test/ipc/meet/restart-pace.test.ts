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
  const pace = new RestartPace();
  assert.deepEqual([pace.ended(undefined), pace.ended(undefined)], [100, 200]);
  assert.equal(pace.isFailing, false);
  pace.ended(undefined);
  assert.equal(pace.isFailing, true);
});

test('what has served is failing when eight starts have failed in a row, after eleven seconds', () => {
  const pace = new RestartPace();
  pace.served();
  let waited = 0;
  for (let i = 0; i < 7; i++) {
    waited += pace.ended(undefined);
    assert.equal(pace.isFailing, false);
  }
  pace.ended(undefined);
  assert.equal(pace.isFailing, true);
  assert.ok(waited > 11_000);
  pace.served();
  for (let i = 0; i < 7; i++) pace.ended(undefined);
  assert.equal(pace.isFailing, false);
});
