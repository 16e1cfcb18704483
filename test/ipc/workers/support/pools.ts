import type { WorkerPool } from '../../../../src/ipc/workers/worker-pool.ts';
import { createWorkerPool } from '../../../../src/ipc/workers/worker-pool.ts';
import type { WorkerPoolOptions } from '../../../../src/ipc/workers/worker-pool-options.ts';
import { watchdog } from '../../../support/watchdog.ts';

export const TASKS = new URL('../children/tasks.ts', import.meta.url);
export const KINDS = ['thread', 'process'] as const;

/** A pool of the tests' functions that is destroyed when it is disposed of. */
export function testPool(
  options: WorkerPoolOptions,
  module: string | URL = TASKS,
): WorkerPool & AsyncDisposable {
  const pool = createWorkerPool(module, options);
  pool[Symbol.asyncDispose] = () => watchdog(pool.destroy(), 'a pool of workers to end');
  return pool;
}
