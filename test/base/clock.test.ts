import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CoarseClock, now } from '../../src/base/clock.ts';
import { watchdog } from '../support/watchdog.ts';

test('now() is the same clock in all processes', () => {
  const before = now();
  const module = new URL('../../src/base/clock.ts', import.meta.url);
  const script = `import(${JSON.stringify(module)}).then(({ now }) => console.log(now()))`;
  const there = Number(execFileSync(process.execPath, ['-e', script]));
  assert.ok(before < there && there < now(), `${before} < ${there} < ${now()}`);
});

test('a coarse clock goes on while it is read, and is exact for short times', async () => {
  const clock = new CoarseClock();
  const first = clock.now(1000);
  const goesOn = async (): Promise<void> => {
    while (clock.now(1000) === first) await setImmediate();
  };
  await watchdog(goesOn(), 'the clock to go on');
  const exact = now();
  assert.ok(clock.now(10) > exact);
  assert.ok(clock.now(1000) <= now());
  clock.stop();
});
