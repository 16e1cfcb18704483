import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { mayRun } from '../../../src/os/process/may-run.ts';
import { watchdog } from '../../support/watchdog.ts';

test('a process may run as long as it lives', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const pid = child.pid as number;
  assert.equal(mayRun(pid), true);
  child.kill('SIGSTOP');
  assert.equal(mayRun(pid), true, 'stopped');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await watchdog(ended, 'a process to end');
  assert.equal(mayRun(pid), false);
});

test('one that has ended and was not waited for does not run', async () => {
  // The shell starts one, and becomes a program that never waits for it.
  const child = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  try {
    const [text] = await watchdog(once(child.stdout, 'data'), 'its number');
    const pid = Number(String(text));
    const reads = (of: number, what: string, text: string): Promise<void> =>
      watchdog(
        (async () => {
          while (!readFileSync(`/proc/${of}/${what}`, 'latin1').includes(text)) await setImmediate();
        })(),
        `${what} with ${text}`,
      );
    await reads(child.pid as number, 'comm', 'sleep');
    process.kill(pid, 'SIGKILL');
    await reads(pid, 'stat', ') Z ');
    assert.equal(mayRun(pid), false);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});

test('in doubt it may: of another namespace, and of another user', () => {
  assert.equal(mayRun(0), true);
  assert.equal(mayRun(-1), true);
  assert.equal(mayRun(1), true);
});
