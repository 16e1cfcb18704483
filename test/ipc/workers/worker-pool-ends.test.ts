import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { WorkerPool } from '../../../src/ipc/workers/worker-pool.ts';
import type { PoolWorkerExit } from '../../../src/ipc/workers/worker-staff.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { KINDS, testPool } from './support/pools.ts';

/** How it ended, without numbers. */
function how({ reason }: PoolWorkerExit): string {
  return reason.replace(/[0-9]+/, 'n');
}

function nextExit(workers: WorkerPool): Promise<string> {
  return watchdog(once(workers, 'exit'), 'a worker to end').then(([exit]) => how(exit));
}

for (const kind of KINDS) {
  test(`${kind}: a worker that dies fails its tasks, and another one takes its place`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1, concurrentTasksPerWorker: 2 });
    const ends = [
      { name: 'exit', task: 7, thread: 'exited with code 7', process: 'exited with code 7' },
      {
        name: 'crash',
        task: null,
        thread: 'exited with code 1 (nobody catches this)',
        process: 'exited with code 1',
      },
    ] as const;
    for (const { name, task, ...expected } of ends) {
      if (kind === 'process' && name === 'crash') continue; // It would say so on our stderr.
      const exited = nextExit(workers);
      const beside = workers.run(null, { name: 'untilAborted' });
      const failing = workers.run(task, { name });
      await assert.rejects(watchdog(failing, 'the task to fail'), { code: 'ERR_IOLITE_PEER' });
      await assert.rejects(beside, { code: 'ERR_IOLITE_PEER' });
      assert.equal(await exited, `Worker ${kind} n ${expected[kind]}`);
      assert.equal(await workers.run(1), 1);
    }
    assert.equal(workers.stats().running, 0);
  });

  test(`${kind}: a worker that closes its channel is of no more use, and is replaced`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1 });
    await workers.run();
    const exited = nextExit(workers);
    await assert.rejects(workers.run(null, { name: 'closeChannel' }), { code: 'ERR_IOLITE_PEER' });
    await exited;
    assert.equal(await workers.run(2), 2);
  });

  test(`${kind}: tasks that wait outlive the worker that dies`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1 });
    await workers.run();
    const outcomes = await watchdog(
      Promise.allSettled([workers.run(1, { name: 'exit' }), ...[1, 2, 3].map(task => workers.run(task))]),
      'tasks to end',
    );
    assert.deepEqual(
      outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code)),
      ['ERR_IOLITE_PEER', 1, 2, 3],
    );
  });

  test(`${kind}: workers that keep dying are started later each time`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1 });
    const pauses: (number | undefined)[] = [];
    workers.on('exit', ({ restartsIn }) => pauses.push(restartsIn));
    for (let i = 0; i < 3; i++) {
      const exited = nextExit(workers);
      await assert.rejects(workers.run(1, { name: 'exit' }), { code: 'ERR_IOLITE_PEER' });
      await exited;
    }
    assert.deepEqual(pauses, [100, 200, 400]);
    assert.equal(workers.stats().deaths, 3);
  });

  test(`${kind}: a module that cannot be loaded fails tasks with why`, async () => {
    for (const [module, expected] of [
      [
        new URL('./children/throwing.ts', import.meta.url),
        { name: 'RangeError', message: 'as it is loaded', code: 'ERR_OF_THE_TEST' },
      ],
      [new URL('./children/missing.ts', import.meta.url), { code: 'ERR_MODULE_NOT_FOUND' }],
    ] as const) {
      await using workers = testPool({ kind, maxWorkers: 1 }, module);
      const failing = once(workers, 'failing');
      await assert.rejects(watchdog(workers.run(1), 'the task to fail'), expected);
      await failing;
      assert.equal(workers.stats().workers, 0);
    }
  });

  test(`${kind}: a module that is not loaded in time fails tasks`, async () => {
    const module = new URL('./children/endless.ts', import.meta.url);
    await using workers = testPool({ kind, maxWorkers: 1, minWorkers: 0, startTimeout: 200 }, module);
    await assert.rejects(watchdog(workers.run(1), 'the task to fail'), { code: 'ERR_IOLITE_TIMEOUT' });
  });

  test(`${kind}: close() runs what was handed in, and takes no more`, async () => {
    await using workers = testPool({ kind, maxWorkers: 2 });
    const running = Array.from({ length: 20 }, (_, i) => workers.run(i));
    const closed = workers.close();
    await assert.rejects(workers.run(1), { code: 'ERR_IOLITE_CLOSED' });
    assert.deepEqual(await Promise.all(running), Array.from(running.keys()));
    await watchdog(closed, 'the pool to close');
    assert.equal(workers.close(), closed);
    assert.deepEqual(workers.stats().workers, 0);
  });

  test(`${kind}: close({ force }) refuses what waits; destroy() ends what runs`, async () => {
    await using workers = testPool({ kind, maxWorkers: 1 });
    await workers.run();
    const running = workers.run(null, { name: 'untilAborted' });
    const waiting = workers.run(1);
    const closing = workers.close({ force: true });
    await assert.rejects(waiting, { code: 'ERR_IOLITE_CLOSED' });
    assert.equal(workers.stats().running, 1);
    void workers.destroy();
    await assert.rejects(running, { code: 'ERR_IOLITE_CLOSED' });
    await watchdog(closing, 'the pool to close');
  });

  test(`${kind}: a limit ends what does not come to an end, and starts that are under way`, async () => {
    await using spinning = testPool({ kind, maxWorkers: 1 });
    const running = spinning.run(null, { name: 'spin' });
    running.catch(() => {});
    await watchdog(spinning.close({ limit: 10 }), 'the pool to close');
    await assert.rejects(running, { code: 'ERR_IOLITE_CLOSED' });
    const starting = testPool({ kind, minWorkers: 2, maxWorkers: 2 });
    await watchdog(starting.destroy(), 'the pool to be destroyed');
  });
}

test('thread: nothing is held of a pool that is gone, bodies that came from it apart', async () => {
  using pool = createPool();
  using body = pool.from('x'.repeat(1024 ** 2));
  const use = async (): Promise<Aggregate> => {
    await using workers = testPool({ maxWorkers: 2, minWorkers: 2 });
    await Promise.all(Array.from({ length: 50 }, (_, i) => workers.run(i, { body, name: 'keep' })));
    const { body: inverted } = await workers.run<{ body: Aggregate }>(1, { body, name: 'invert' });
    return inverted;
  };
  (await use()).release();
  const before = await settledHoldings();
  const kept = await use();
  assert.equal(kept.at(0), 255 - 0x78);
  kept.release();
  await holdingsReturnTo(before);
});

test('process: nothing is held of workers that were killed while they had bodies', async () => {
  using pool = createPool();
  const use = async (): Promise<void> => {
    await using workers = testPool({ kind: 'process', maxWorkers: 2, minWorkers: 2 });
    await Promise.all([workers.run(1), workers.run(2)]);
    const exits = new Promise<void>(resolve => {
      let left = 2;
      workers.on('exit', ({ reason }) => {
        assert.match(reason, /was killed by SIGKILL/);
        left -= 1;
        if (left === 0) resolve();
      });
    });
    const tasks = Array.from({ length: 40 }, (_, i) => {
      using body = pool.from('x'.repeat(300_000));
      return workers.run(i, { body, name: i % 20 === 10 ? 'kill' : 'keep' });
    });
    const outcomes = await watchdog(Promise.allSettled(tasks), 'tasks to end');
    await watchdog(exits, 'two workers to end');
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2);
  };
  await use();
  const before = await settledHoldings();
  await use();
  await holdingsReturnTo(before);
  assert.equal(pool.stats().bytesUsed, 0);
});

test('a worker that needs more memory than it may have ends, with its task', async () => {
  await using workers = testPool({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
  const exited = nextExit(workers);
  await assert.rejects(watchdog(workers.run(null, { name: 'overflow' }), 'the task to fail', 60_000), {
    code: 'ERR_IOLITE_PEER',
  });
  assert.match(await exited, /memory limit/);
  assert.equal(await workers.run(1), 1);
});

test('workers keep no program alive; tasks do; and processes end with their owner', async () => {
  for (const kind of KINDS) {
    await using program = new Program(new URL('./children/owner.ts', import.meta.url), [kind]);
    assert.deepEqual(await program.line(), [1, 2, 3]);
    assert.equal(await program.line(), 'the end');
    const [code] = await watchdog(once(program.process, 'exit'), 'the program to end');
    assert.equal(code, 0);
  }
});
