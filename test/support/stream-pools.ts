import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';

/** Pools of each kind of memory, for tests that hold in all. */
export function eachPool(): Pool[] {
  return [
    createPool({ memory: 'heap', chunkSize: 64 * 1024 }),
    createPool({ memory: 'shared', chunkSize: 64 * 1024 }),
    createPool({ memory: 'shared', kind: 'protect', chunkSize: 64 * 1024 }),
    createPool({ memory: 'shared', kind: 'seal' }),
  ];
}

/** The kind of a pool, for the name of a test. */
export function describePool({ chunks }: Pool): string {
  return `${chunks.memory}, ${chunks.kind}`;
}

/** Closes a pool of which everything must have been released, now or within some turns of the event loop. */
export async function closeEmpty(pool: Pool): Promise<void> {
  pool.close();
  for (let turn = 0; turn < 1000 && pool.stats().chunks > 0; turn++) await setImmediate();
  assert.equal(pool.stats().chunks, 0, 'chunks that were not released');
}
