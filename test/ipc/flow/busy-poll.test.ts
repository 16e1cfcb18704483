import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BusyPoll } from '../../../src/ipc/flow/busy-poll.ts';
import { fork } from '../../../src/ipc/meet/fork.ts';
import { Family } from '../../support/family.ts';

const ECHO = new URL('../children/echo.ts', import.meta.url);

/** Whether something keeps the event loop from sleeping. */
const polls = (): boolean => process.getActiveResourcesInfo().includes('Immediate');

test('BusyPoll keeps the loop awake for its span after an activity, not beyond its end', async context => {
  const never = new BusyPoll(0);
  never.active();
  assert.equal(polls(), false);
  const busy = new BusyPoll(1000);
  // The time stands still.
  const clock = context.mock.method(performance, 'now', () => 5000);
  busy.active();
  busy.active();
  assert.equal(process.getActiveResourcesInfo().filter(kind => kind === 'Immediate').length, 1);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.equal(polls(), true);
  clock.mock.mockImplementation(() => 5001.5);
  await setImmediate();
  await setImmediate();
  assert.equal(polls(), false);
  busy.active();
  assert.equal(polls(), true);
  busy.end();
  await setImmediate();
  assert.equal(polls(), false);
  busy.active();
  assert.equal(polls(), false);
});

test('channels with busyPoll carry what others do, and refuse spans that are none', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO, [], { channel: { busyPoll: 500 } });
  for (let i = 0; i < 100; i++) assert.equal((await channel.request({ head: i })).head, i);
  for (const [busyPoll, code] of [
    [-1, 'ERR_IOLITE_RANGE'],
    [2_000_000, 'ERR_IOLITE_RANGE'],
    [0.5, 'ERR_IOLITE_ARGUMENT'],
  ] as const) {
    await assert.rejects(fork(ECHO, [], { channel: { busyPoll } }), { code });
  }
});
