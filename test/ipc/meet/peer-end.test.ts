import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { endOfProcess } from '../../../src/ipc/meet/peer-end.ts';
import { spawnThread } from '../../../src/ipc/meet/thread.ts';
import { watchdog } from '../../support/watchdog.ts';

const IDLE = new URL('../children/idle.ts', import.meta.url);

test('endOfProcess() tells of a process that ends, and of one that has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'process.exit(7)']);
  const end = endOfProcess(child);
  await watchdog(once(child, 'exit'), 'the child to end');
  for (const each of [end, endOfProcess(child)]) assert.deepEqual(await each, { exitCode: 7, signal: null });
});

test('a thread that never takes up its channel is ended', async () => {
  const spawned = spawnThread(IDLE, [], { timeout: 1 });
  await assert.rejects(watchdog(spawned, 'the rejection'), {
    code: 'ERR_IOLITE_TIMEOUT',
    message: /idle\.js/,
  });
});

test('a module that is not there is named, of a thread too', async () => {
  const missing = new URL('../children/missing.ts', import.meta.url);
  await assert.rejects(watchdog(spawnThread(missing), 'the rejection'), {
    code: 'ERR_IOLITE_PEER',
    message: /there is no file .*missing\.js$/,
  });
});
