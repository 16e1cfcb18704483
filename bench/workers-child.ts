/**
 * A program with a pool of two workers, of which workers.bench.ts asks measurements. Arguments: which pool,
 * and bytes of a body. A message `{ task, times }` is answered with the seconds that so many tasks took, four
 * of them under way at any time.
 */
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { move, Piscina } from 'piscina';
import { Aggregate } from '../src/aggregate/aggregate.ts';
import { createPool } from '../src/aggregate/pool.ts';
import { createWorkerPool } from '../src/ipc/workers/worker-pool.ts';
import { GiB } from './harness.ts';

const WORKERS = 2;
const FEEDERS = 4;
const MODULE = new URL('./workers-tasks-child.js', import.meta.url);

type Run = (i: number) => Promise<void>;

const [which = '', bytes] = process.argv.slice(2);
const size = Number(bytes);
const wanted = crc32(Buffer.alloc(size, 7));

function check(sum: unknown): void {
  if (sum !== wanted) throw new Error(`${which}: a wrong checksum of ${size} bytes`);
}

function checkLength(length: number): void {
  if (length !== size) throw new Error(`${which}: ${length} bytes came back of ${size}`);
}

function ours(kind: 'thread' | 'process'): Record<'checksum' | 'transform', Run> {
  const workers = createWorkerPool(MODULE, { kind, minWorkers: WORKERS, maxWorkers: WORKERS });
  // A pool with a limit keeps what is given back, however large.
  const memory = createPool({ name: 'bodies', limit: GiB });
  const same = memory.from(Buffer.alloc(size, 7));
  return {
    checksum: async () => check(await workers.run(null, { name: 'checksum', body: same })),
    transform: async i => {
      const draft = memory.allocate(size);
      draft.bytes.fill(i);
      using body = draft.seal();
      const result = await workers.run(null, { name: 'transform', body });
      if (!Aggregate.isAggregate(result)) throw new Error('no aggregate came back');
      checkLength(result.length);
      result.release();
    },
  };
}

/** @param how bodies go: `clone`, `move`, or `shared` */
function theirs(how: string): Record<'checksum' | 'transform', Run> {
  const workers = new Piscina({
    filename: fileURLToPath(MODULE),
    minThreads: WORKERS,
    maxThreads: WORKERS,
  });
  const same = how === 'shared' ? new Uint8Array(new SharedArrayBuffer(size)) : Buffer.allocUnsafeSlow(size);
  same.fill(7);
  return {
    checksum: async () => check(await workers.run(same, { name: 'checksumOfBytes' })),
    transform: async i => {
      const body = Buffer.allocUnsafeSlow(size).fill(i);
      const given = how === 'move' ? move(body) : body;
      checkLength((await workers.run(given, { name: 'transformBytes' })).length);
    },
  };
}

const runs = which === 'thread' || which === 'process' ? ours(which) : theirs(which);

async function measure(task: 'checksum' | 'transform', times: number): Promise<number> {
  const began = performance.now();
  let next = 0;
  const feed = async (): Promise<void> => {
    while (next < times) {
      next += 1;
      await runs[task](next);
    }
  };
  await Promise.all(Array.from({ length: FEEDERS }, feed));
  return (performance.now() - began) / 1000;
}

process.on('message', async ({ task, times }: { task: 'checksum' | 'transform'; times: number }) => {
  process.send?.(await measure(task, times));
});
process.once('disconnect', () => process.exit());
