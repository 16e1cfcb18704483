import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { EventLoopDelay } from '../../src/observe/event-loop-delay.ts';
import { watchdog } from '../support/watchdog.ts';
import { sumOfMetric } from './support/readings.ts';

const BLOCKED_MS = 200;
const BLOCKED_SECONDS = BLOCKED_MS / 1000;
/** It is late by what is left of a period of looks. */
const SEEN_SECONDS = BLOCKED_SECONDS / 2;

/** Keeps the event loop from its timers until that is known: the first look of all sees nothing. */
async function block(max: () => number | Promise<number>): Promise<void> {
  while ((await max()) < SEEN_SECONDS) {
    const until = performance.now() + BLOCKED_MS;
    while (performance.now() < until);
    await setImmediate();
  }
}

test('what one reader has seen is there for the next one', async () => {
  const max = (): Promise<number> => sumOfMetric('iolite_event_loop_delay_seconds', { at: 'max' });
  await watchdog(block(max), 'a late look');
  assert.ok((await max()) >= SEEN_SECONDS);
});

test('it is forgotten at the second turn, and not at the first', async () => {
  using delay = new EventLoopDelay();
  assert.equal(delay.max, 0);
  await watchdog(
    block(() => delay.max),
    'a late look',
  );
  delay.turn();
  assert.ok(delay.max >= SEEN_SECONDS);
  assert.ok(delay.percentile(99) <= delay.max);
  delay.turn();
  assert.equal(delay.max, 0);
});

test('it rests while nobody reads, and looks again for who does', async () => {
  using delay = new EventLoopDelay();
  delay.turn();
  assert.equal(delay.rests, false);
  delay.turn();
  assert.equal(delay.rests, true);
  assert.equal(delay.max, 0);
  assert.equal(delay.rests, false);
  await watchdog(
    block(() => delay.max),
    'a late look',
  );
});
