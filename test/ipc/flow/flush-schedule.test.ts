import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FlushSchedule } from '../../../src/ipc/flow/flush-schedule.ts';

test('FlushSchedule flushes once for an event, after what waited for promises', async () => {
  const order: string[] = [];
  const schedule = new FlushSchedule(
    () => order.push('flush'),
    () => true,
  );
  schedule.request();
  schedule.request();
  void Promise.resolve()
    .then(() => order.push('promise'))
    .then(() => {
      order.push('another');
      schedule.request();
    });
  await setImmediate();
  assert.deepEqual(order, ['promise', 'another', 'flush']);
  schedule.request();
  await setImmediate();
  assert.equal(order.filter(what => what === 'flush').length, 2);
});

test('FlushSchedule flushes answers given while frames came as soon as they have come', async () => {
  let flushes = 0;
  const schedule = new FlushSchedule(
    () => {
      flushes += 1;
    },
    () => true,
  );
  schedule.deliver(() => {
    schedule.request();
    schedule.request();
    assert.equal(flushes, 0);
  });
  assert.equal(flushes, 1);
  schedule.deliver(() => {});
  await setImmediate();
  assert.equal(flushes, 1);
});

test('FlushSchedule lets acknowledgements wait for company', async () => {
  const order: string[] = [];
  const schedule = new FlushSchedule(
    () => order.push('flush'),
    () => false,
  );
  schedule.deliver(() => schedule.request());
  void Promise.resolve().then(() => order.push('promise'));
  assert.deepEqual(order, []);
  await setImmediate();
  assert.deepEqual(order, ['promise', 'flush']);
});

test('FlushSchedule leaves a flush that was asked for before where it is', async () => {
  let flushes = 0;
  const schedule = new FlushSchedule(
    () => {
      flushes += 1;
    },
    () => true,
  );
  schedule.request();
  schedule.deliver(() => schedule.request());
  assert.equal(flushes, 0);
  await setImmediate();
  assert.equal(flushes, 1);
});
