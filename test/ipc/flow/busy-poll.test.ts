import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BusyPoll } from '../../../src/ipc/flow/busy-poll.ts';
import { fork } from '../../../src/ipc/meet/fork.ts';
import { Family } from '../../support/family.ts';
import { watchdog } from '../../support/watchdog.ts';

const ECHO = new URL('../children/echo.ts', import.meta.url);

/** Whether something keeps the event loop from sleeping. */
const polls = (): boolean => process.getActiveResourcesInfo().includes('Immediate');

test('BusyPoll keeps the loop awake from an activity on, for its span, and not beyond its end', async () => {
  const never = new BusyPoll(0);
  never.active();
  assert.equal(polls(), false);
  const busy = new BusyPoll(1_000_000);
  busy.active();
  busy.active();
  assert.equal(process.getActiveResourcesInfo().filter(kind => kind === 'Immediate').length, 1);
  await setImmediate();
  assert.equal(polls(), true);
  busy.end();
  await setImmediate();
  assert.equal(polls(), false);
  busy.active();
  assert.equal(polls(), false);
  const brief = new BusyPoll(1);
  brief.active();
  const over = (async () => {
    while (polls()) await new Promise(resolve => process.nextTick(() => setTimeout(resolve, 0)));
  })();
  await watchdog(over, 'the polling to end');
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
