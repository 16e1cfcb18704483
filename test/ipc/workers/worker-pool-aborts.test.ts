import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { watchdog } from '../../support/watchdog.ts';
import { KINDS, testPool } from './support/pools.ts';

for (const kind of KINDS) {
  test(`${kind}: an abort ends the wait at once, and reaches the task's own signal`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1, concurrentTasksPerWorker: 2 });
    await workers.run();
    const controller = new AbortController();
    const reason = new Error('not wanted any more');
    const running = workers.run(null, { name: 'untilAborted', signal: controller.signal });
    assert.deepEqual(await workers.run(null, { name: 'counts' }), { running: 1, most: 1, aborted: 0 });
    controller.abort(reason);
    await assert.rejects(running, reason);
    while (workers.stats().running > 0) await workers.run();
    assert.deepEqual(await workers.run(null, { name: 'counts' }), { running: 0, most: 1, aborted: 1 });
    assert.equal(workers.stats().aborted, 1);
  });

  test(`${kind}: a task that waits and is aborted is never run`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1 });
    using pool = createPool();
    const body = pool.from('x');
    const controller = new AbortController();
    const { signal } = controller;
    const first = workers.run(1);
    const waiting = workers.run(null, { name: 'exit', signal, body });
    body.release();
    controller.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    assert.equal(pool.stats().bytesUsed, 0);
    await assert.rejects(workers.run(2, { signal }), { name: 'AbortError' });
    assert.equal(await first, 1);
    assert.equal(workers.stats().deaths, 0);
  });

  test(`${kind}: a task that goes on after its abort costs its worker, which is replaced`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1, abortTimeout: 1 });
    await workers.run();
    const exited = once(workers, 'exit');
    await assert.rejects(workers.run(null, { name: 'spin', signal: AbortSignal.timeout(1) }), {
      name: 'TimeoutError',
    });
    const [{ restartsIn }] = await watchdog(exited, 'the worker to end');
    assert.equal(restartsIn, undefined);
    assert.equal(await watchdog(workers.run(1), 'the next one'), 1);
    assert.equal(workers.stats().deaths, 0);
  });
}

test('ten thousand tasks under one signal are aborted with it, without a warning', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  await using workers = testPool({ maxWorkers: 2 });
  await workers.run();
  using pool = createPool();
  using body = pool.from('x'.repeat(100));
  const controller = new AbortController();
  const { signal } = controller;
  const tasks = Array.from({ length: 10_000 }, () =>
    workers.run(null, { name: 'untilAborted', signal, body }),
  );
  controller.abort();
  const outcomes = await watchdog(Promise.allSettled(tasks), 'all to be aborted');
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.equal(await workers.run(1), 1);
  const { queued, aborted } = workers.stats();
  assert.deepEqual([queued, aborted], [0, 10_000]);
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});

test('storms of aborts at any time leave every count as it was, and the pool at work', async () => {
  const random = new SeededRandom(20);
  await using workers = testPool({ maxWorkers: 2, concurrentTasksPerWorker: 4, abortTimeout: 10_000 });
  using pool = createPool();
  using body = pool.from('y'.repeat(5000));
  for (let round = 0; round < 20; round++) {
    const tasks = Array.from({ length: 100 }, (_, i) => {
      const controller = new AbortController();
      const { signal } = controller;
      const name = i % 3 === 0 ? 'untilAborted' : 'default';
      const task = workers.run(null, { name, signal, body }).then(result => {
        if (typeof result === 'object' && result !== null && 'release' in result)
          (result.release as () => void)();
      });
      const abort = (): void => controller.abort();
      const when = Math.floor(3 * random.uniform());
      if (when === 0) abort();
      else if (when === 1) setImmediate(abort);
      else void workers.run(i).then(abort);
      return task;
    });
    await watchdog(Promise.allSettled(tasks), 'tasks to end');
  }
  // What was aborted may still be at its end.
  while (workers.stats().running > 0) await workers.run();
  assert.equal((await workers.run<{ running: number }>(null, { name: 'counts' })).running, 0);
  assert.equal(workers.stats().deaths, 0);
  body.release();
  assert.equal(pool.stats().bytesUsed, 0);
});
