import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CoarseClock, now } from '../../src/base/clock.ts';
import { Program } from '../support/program.ts';
import { watchdog } from '../support/watchdog.ts';

/** A stop is to be longer than clocks are coarse. */
const STOP_MS = 20;
const STOPS = 5;

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
});

test('a process that was stopped has the right time with the first thing that it hears of', async () => {
  await using program = new Program(new URL('./children/clock-reader.ts', import.meta.url));
  for (let stops = 0; stops < STOPS; stops++) {
    assert.equal(await program.line(), 'reads');
    program.kill('SIGSTOP');
    const stopped = now();
    program.process.stdin?.write('\n');
    while (now() < stopped + STOP_MS) await setImmediate();
    const continued = now();
    program.kill('SIGCONT');
    assert.ok(((await program.line()) as number) >= continued, `after stop ${stops}`);
  }
});
