import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { TaskError } from '../../../src/ipc/workers/task-failure.ts';
import { createWorkerPool } from '../../../src/ipc/workers/worker-pool.ts';
import { registry } from '../../../src/observe/registry.ts';
import { readSources } from '../../../src/observe/sources.ts';
import { watchdog } from '../../support/watchdog.ts';
import { KINDS, TASKS, testPool } from './support/pools.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

for (const kind of KINDS) {
  const workers = createWorkerPool(TASKS, {
    kind,
    maxWorkers: 2,
    args: ['first', 'second'],
    env: { ...process.env, OF_THE_TEST: 'yes' },
  });
  after(() => workers.destroy());

  test(`${kind}: a task is run by the default export, or by another one`, async () => {
    assert.deepEqual(await workers.run({ a: [1, null, 'x'] }), { a: [1, null, 'x'] });
    assert.equal(await workers.run<number>(21, { name: 'double' }), 42);
    assert.equal(await workers.run(undefined, { name: 'nothing' }), undefined);
    assert.equal(await workers.run(null), null);
    assert.equal(await workers.run(), undefined);
    const { pid, isMainThread, args, of } = await workers.run<{
      pid: number;
      isMainThread: boolean;
      args: string[];
      of: string;
    }>(null, { name: 'where' });
    assert.equal(pid === process.pid, kind === 'thread');
    assert.equal(isMainThread, kind === 'process');
    assert.deepEqual([args, of], [['first', 'second'], 'yes']);
  });

  test(`${kind}: bodies go there and come back by reference, and nothing is left of them`, async () => {
    using pool = createPool({ name: 'bodies' });
    using body = pool.from('x'.repeat(3 * MiB));
    const live = pool.stats().bytesLive;
    using echo = await workers.run<Aggregate>('a', { body });
    assert.ok(echo.equals(body));
    // The very same memory.
    assert.equal(echo.slices()[0]?.id.chunk, body.slices()[0]?.id.chunk);
    using part = await workers.run<Aggregate>([MiB, 2 * MiB], { body, name: 'part' });
    assert.equal(part.length, MiB);
    const wrapped = await workers.run<{ task: string; body: Aggregate }>('b', { body, name: 'wrap' });
    assert.equal(wrapped.task, 'b');
    wrapped.body.release();
    const inverted = await workers.run<{ task: number; body: Aggregate }>(7, { body, name: 'invert' });
    assert.deepEqual([inverted.task, inverted.body.length, inverted.body.at(1)], [7, 3 * MiB, 255 - 0x78]);
    inverted.body.release();
    assert.equal(await workers.run(null, { body, name: 'released' }), 3 * MiB);
    assert.equal(pool.stats().bytesLive, live);
  });

  test(`${kind}: a body that a task keeps is there when the task is over`, async () => {
    await using one = testPool({ kind, maxWorkers: 1 });
    using pool = createPool();
    const body = pool.from('kept');
    await one.run(null, { body, name: 'keep' });
    body.release();
    assert.equal(await one.run(null, { name: 'letGo' }), 'kept');
  });

  test(`${kind}: what a task throws arrives with its name, message, stack, code and cause`, async () => {
    const thrown = async (task: string, name = 'fail'): Promise<TaskError> => {
      const error = await workers.run(task, { name }).then(
        () => assert.fail('it threw'),
        (each: unknown) => each,
      );
      return error as TaskError;
    };
    const type = await thrown('type');
    assert.deepEqual([type.name, type.message, type.code], ['TypeError', 'as asked', 'ERR_IOLITE_REMOTE']);
    assert.match(type.stack ?? '', /^TypeError: as asked\n +at fail \(.*tasks/);
    assert.equal((await thrown('code')).code, 'ERR_OF_THE_TEST');
    const { name, cause } = await thrown('cause');
    assert.deepEqual([name, (cause as Error).message], ['PeculiarError', 'inside']);
    assert.equal((await thrown('string')).message, 'a text');
    assert.equal((await thrown('null')).message, 'null');
    assert.equal((await thrown('getter')).code, 'ERR_IOLITE_REMOTE');
    assert.equal((await thrown('later', 'failLater')).message, 'later');
  });

  test(`${kind}: functions that are not there are named`, async () => {
    for (const name of ['missing', 'constructor', '__proto__', 'then', '']) {
      await assert.rejects(workers.run(null, { name }), {
        code: 'ERR_IOLITE_ARGUMENT',
        message: new RegExp(`as export '${name}' of file:.*tasks`),
      });
    }
  });

  test(`${kind}: what cannot be passed is refused on its own side, with the place`, async () => {
    const refused = (task: unknown, message: RegExp, code = 'ERR_IOLITE_ARGUMENT'): Promise<void> =>
      assert.rejects(workers.run(task as string), { code, message });
    await refused(() => {}, /JSON is wanted as task, a function was given at task/);
    await refused({ a: [0, 1n] }, /1 was given at task\.a\[1\]/);
    await refused(
      { bytes: new Uint8Array(2) },
      /Uint8Array was given at task\.bytes; an aggregate goes as the body/,
    );
    await refused(new Map(), /Map was given/);
    await refused('x'.repeat(2 ** 21), /1048576 bytes of head/, 'ERR_IOLITE_RANGE');
    const circle: unknown[] = [];
    circle.push(circle);
    await refused(circle, /in a circle/);
    const given = (task: string, expected: object): Promise<void> =>
      assert.rejects(workers.run(task, { name: 'unfit' }), expected);
    for (const task of ['function', 'bigint', 'map', 'bytes', 'nested', 'beside']) {
      await given(task, { code: 'ERR_IOLITE_ARGUMENT', message: /JSON is wanted as result/ });
    }
    await given('long', { code: 'ERR_IOLITE_RANGE' });
    await given('released', { code: 'ERR_IOLITE_RELEASED' });
    const options = (bad: object): Promise<void> =>
      assert.rejects(workers.run(null, bad), { code: 'ERR_IOLITE_ARGUMENT' });
    await options({ body: Buffer.from('x') });
    await options({ signal: 'now' });
    await options({ name: 3 });
    await assert.rejects(workers.run(null, null as unknown as object), { code: 'ERR_IOLITE_ARGUMENT' });
    using pool = createPool();
    const body = pool.from('gone');
    body.release();
    await assert.rejects(workers.run(null, { body }), { code: 'ERR_IOLITE_RELEASED' });
    using heap = createPool({ memory: 'heap' });
    using unshared = heap.from('x');
    await assert.rejects(workers.run(null, { body: unshared }), { code: 'ERR_IOLITE_UNSUPPORTED' });
    assert.equal(await workers.run<number>(1, { name: 'double' }), 2);
  });

  test(`${kind}: ten thousand tasks, with bodies, and every pool is as it was`, async () => {
    using pool = createPool({ name: 'many' });
    using whole = pool.from(Buffer.alloc(64 * KiB, 'abcdefgh'));
    const before = pool.stats().bytesLive;
    const run = async (i: number): Promise<void> => {
      const body = whole.slice(i, i + 8);
      const running = workers.run<Aggregate>(i, { body });
      // What is run with may be released, or changed, at once.
      body.truncate(0).release();
      using echo = await running;
      assert.equal(echo.toString(), 'abcdefgh'.repeat(2).slice(i % 8, (i % 8) + 8));
    };
    await watchdog(Promise.all(Array.from({ length: 10_000 }, (_, i) => run(i))), '10,000 tasks', 60_000);
    assert.equal(pool.stats().bytesLive, before);
    const { running, queued } = workers.stats();
    assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
  });

  test(`${kind}: a task that waits is as it was when it was handed in`, async () => {
    await using one = testPool({ kind, maxWorkers: 1 });
    const task = { a: 1 };
    const running = one.run(task);
    task.a = 2;
    assert.deepEqual(await running, { a: 1 });
  });

  test(`${kind}: a worker may ask its owner, whose channel is at hand`, async () => {
    await using one = testPool({ kind, maxWorkers: 1 });
    one.once('serving', ({ channel }) => channel.onRequest(({ head }) => ({ head: [head ?? null] })));
    assert.deepEqual(await one.run('question', { name: 'ask' }), ['question']);
  });

  test(`${kind}: a worker has so many tasks at a time, and no more`, async () => {
    await using one = testPool({ kind, maxWorkers: 1, concurrentTasksPerWorker: 3 });
    const controller = new AbortController();
    const { signal } = controller;
    const first = Array.from({ length: 2 }, () => one.run(null, { name: 'untilAborted', signal }));
    for (const each of first) each.catch(() => {});
    for (let i = 0; i < 20; i++) await one.run(i, { name: 'double' });
    assert.deepEqual(await one.run(null, { name: 'counts' }), { running: 2, most: 2, aborted: 0 });
    const more = Array.from({ length: 5 }, () => one.run(null, { name: 'untilAborted', signal }));
    for (const each of more) each.catch(() => {});
    assert.equal(one.stats().running, 3);
    assert.equal(one.queueSize, 4);
    controller.abort();
    await Promise.allSettled([...first, ...more]);
    assert.deepEqual(await one.run(null, { name: 'counts' }), { running: 0, most: 3, aborted: 3 });
  });
}

test('the queue has a bound, and more than it holds is refused', async () => {
  await using workers = testPool({ maxWorkers: 1, maxQueue: 2 });
  await workers.run();
  const waiting = [1, 2, 3].map(task => workers.run(task));
  assert.equal(workers.queueSize, 2);
  await assert.rejects(workers.run(4), { code: 'ERR_IOLITE_BUSY', mayRetry: true });
  const drained = once(workers, 'drain');
  assert.deepEqual(await Promise.all(waiting), [1, 2, 3]);
  await drained;
});

test('without a queue tasks go to workers that have room, or are to come', async () => {
  await using workers = testPool({ minWorkers: 0, maxWorkers: 2, maxQueue: 0 });
  const running = [workers.run(1), workers.run(2)];
  await assert.rejects(workers.run(3), { code: 'ERR_IOLITE_BUSY' });
  assert.deepEqual(await Promise.all(running), [1, 2]);
});

test('workers come as tasks wait, and those beyond the least go when they are idle', async () => {
  await using workers = testPool({ minWorkers: 1, maxWorkers: 3, idleTimeout: 1 });
  assert.equal(workers.stats().starting, 1);
  const exits = new Promise<void>(resolve => {
    let left = 2;
    workers.on('exit', ({ restartsIn }) => {
      assert.equal(restartsIn, undefined);
      left -= 1;
      if (left === 0) resolve();
    });
  });
  const waits = Array.from({ length: 3 }, () => workers.run(null, { name: 'where' }));
  assert.equal(workers.stats().starting, 3);
  await Promise.all(waits);
  await watchdog(exits, 'two workers to end');
  assert.equal(workers.stats().workers, 1);
  assert.equal(workers.stats().deaths, 0);
  assert.equal(await workers.run(5), 5);
});

test('threads have what they are given as workerData', async () => {
  await using workers = testPool({ workerData: { given: [1, 2] }, maxWorkers: 1 });
  assert.deepEqual(await workers.run(null, { name: 'data' }), [1, 2]);
});

test('a module in CommonJS exports functions as another one does', async () => {
  const module = new URL('./children/common.cjs', import.meta.url);
  await using workers = testPool({ maxWorkers: 1 }, module);
  assert.equal(await workers.run(3), 4);
  assert.equal(await workers.run(3, { name: 'less' }), 2);
});

test('a pool tells how long tasks waited and ran, and what it has', async () => {
  await using workers = testPool({ maxWorkers: 1 });
  assert.equal(workers.histogram.waiting.count, 0);
  await Promise.all([workers.run(1), workers.run(2), workers.run('type', { name: 'fail' }).catch(() => {})]);
  const { waiting, running } = workers.histogram;
  assert.deepEqual([waiting.count, running.count], [3, 3]);
  assert.ok(running.min > 0 && running.min <= running.p50 && running.p50 <= running.max);
  const { completed, failed } = workers.stats();
  assert.deepEqual([completed, failed], [2, 1]);
  const text = await registry.metrics();
  for (const name of ['iolite_workers', 'iolite_worker_tasks', 'iolite_worker_tasks_completed_total']) {
    assert.match(text, new RegExp(`^${name} [0-9]+$`, 'm'));
  }
  const told = readSources().get('workers') ?? [];
  assert.ok(told.some(({ figures }) => figures.completed === 2 && figures.failed === 1));
});
