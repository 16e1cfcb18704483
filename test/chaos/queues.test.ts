import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { watchQueues } from '../../chaos/queues.ts';
import { watchdog } from '../support/watchdog.ts';

test('of processes that want one processor each waits', async () => {
  // Of one that does not run nothing is known, and nothing waits.
  assert.equal(watchQueues(() => [])(), 0);
  const busy = ['-c', 'exec taskset -c 0 sh -c "while :; do :; done"'];
  const children = [1, 2, 3].map(() => spawn('sh', busy, { stdio: 'ignore' }));
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const queued = watchQueues(() => children.flatMap(({ pid }) => pid ?? []));
  const waited = (async () => {
    while (queued() < 100) await setImmediate();
  })();
  await watchdog(waited, 'one of three to wait');
});
