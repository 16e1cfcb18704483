import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkerPool } from '../../../src/ipc/workers/worker-pool.ts';
import { type WorkerPoolOptions, workerSettingsOf } from '../../../src/ipc/workers/worker-pool-options.ts';

function refused(options: unknown, message: RegExp, code = 'ERR_IOLITE_ARGUMENT'): void {
  assert.throws(() => createWorkerPool('x.js', options as WorkerPoolOptions), { code, message });
}

test('what is no option of a pool is refused, before anything is started', () => {
  refused(null, /options are wanted, null was given/);
  refused({ kind: 'fiber' }, /'thread' or 'process' is wanted as kind, 'fiber' was given/);
  refused({ maxThreads: 3 }, /an option of createWorkerPool\(\) is wanted, 'maxThreads' was given/);
  refused({ kind: 'process', workerData: {} }, /workers of kind 'process' is wanted, 'workerData' was given/);
  refused({ cwd: '/' }, /workers of kind 'thread' is wanted, 'cwd' was given/);
  refused({ args: 'a' }, /a list of strings is wanted as args/);
  refused({ execArgv: [1] }, /a list of strings is wanted as execArgv/);
  refused({ env: 'A=1' }, /an object is wanted as env/);
  refused({ workerData: 1 }, /an object is wanted as workerData/);
  refused({ resourceLimits: 5 }, /an object is wanted as resourceLimits/);
  refused({ resourceLimits: { maxHeap: 5 } }, /one of maxOldGenerationSizeMb, .* is wanted in/);
  refused(
    { kind: 'process', resourceLimits: { codeRangeSizeMb: 5 } },
    /one of maxOldGenerationSizeMb, stack/,
  );
  refused({ resourceLimits: { stackSizeMb: 0 } }, /a number of megabytes above 0/);
  refused({ channel: { busyPoll: -1 } }, /busyPoll/, 'ERR_IOLITE_RANGE');
  refused({ minWorkers: 3, maxWorkers: 2 }, /maxWorkers: 3 to 1024 is wanted, 2/, 'ERR_IOLITE_RANGE');
  refused({ minWorkers: '3' }, /minWorkers: an integer/);
  for (const name of ['maxWorkers', 'concurrentTasksPerWorker', 'startTimeout']) {
    refused({ [name]: 0 }, new RegExp(`${name}: `), 'ERR_IOLITE_RANGE');
  }
  for (const name of ['maxQueue', 'idleTimeout', 'abortTimeout', 'minWorkers']) {
    refused({ [name]: -1 }, new RegExp(`${name}: `), 'ERR_IOLITE_RANGE');
  }
  for (const module of ['', 3, undefined, 'a\0b']) {
    assert.throws(() => createWorkerPool(module as string), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});

test('settings have their defaults, and a module is a URL', () => {
  const { module, kind, minWorkers, maxWorkers, abortTimeout } = workerSettingsOf('/a/b c.js');
  assert.deepEqual([module, kind, minWorkers, abortTimeout], ['file:///a/b%20c.js', 'thread', 1, 1000]);
  assert.ok(maxWorkers >= 1);
  assert.equal(workerSettingsOf(new URL('file:///a.js'), { minWorkers: 50 }).maxWorkers, 50);
  assert.equal(
    workerSettingsOf('data:text/javascript,', { concurrentTasksPerWorker: 2 }).abortTimeout,
    undefined,
  );
});
