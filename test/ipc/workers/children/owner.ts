/** A program that has a pool of workers and ends without closing it. */
import { createWorkerPool } from '../../../../src/ipc/workers/worker-pool.ts';

const kind = process.argv[2] as 'thread' | 'process';
const workers = createWorkerPool(new URL('./tasks.ts', import.meta.url), { kind, maxWorkers: 2 });
console.log(JSON.stringify(await Promise.all([1, 2, 3].map(task => workers.run(task)))));
process.once('beforeExit', () => console.log('"the end"'));
