import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { attemptAll, type FaultCell } from '../support/faults/attempt.ts';
import { underFaults } from '../support/faults/under-faults.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';

const KiB = 1024;
const KINDS = ['recycle', 'protect', 'seal'] as const;
/** Small ones share a chunk, the large one has its own. */
const SIZES = [10, 3000, 5000, 300 * KiB];

const CELLS: FaultCell[] = [
  ['memfd_create', { path: 'iolite', error: 'EMFILE' }],
  ['memfd_create', { path: 'iolite', error: 'ENFILE' }],
  ['memfd_create', { path: 'iolite', error: 'ENOMEM' }],
  ['ftruncate', { path: 'memfd:iolite', error: 'ENOSPC' }],
  ['fchmod', { path: 'memfd:iolite', error: 'EIO' }],
  ['populate', { error: 'ENOMEM' }],
  ...[0, 1, 2, 3].flatMap((skip): FaultCell[] => [
    ['mmap', { error: 'ENOMEM', skip }],
    ['mmap', { error: 'ENOMEM', skip, times: 1 }],
    ['seal', { path: 'memfd:iolite', error: 'EBUSY', skip, times: 1 }],
    ['memfd_create', { path: 'iolite', error: 'EMFILE', skip }],
  ]),
];
/** Pages are split where a part of them is protected: the kernel has only so many places for them. */
const PROTECTING: FaultCell[] = Array.from({ length: 12 }, (_, skip) => [
  ['mprotect', { error: 'ENOMEM', skip }] as FaultCell,
  ['mprotect', { error: 'ENOMEM', skip, times: 1 }] as FaultCell,
]).flat();

function fill(pool: Pool, made: Aggregate[]): void {
  for (const size of SIZES) {
    using draft = pool.allocate(size);
    draft.bytes.fill(size);
    pool.allocate(size).discard();
    made.push(draft.seal());
  }
}

function checkAll(made: readonly Aggregate[]): void {
  for (const [index, aggregate] of made.entries())
    assert.ok(
      aggregate
        .toBuffer()
        .equals(Buffer.alloc(SIZES[index % SIZES.length] as number, SIZES[index % SIZES.length])),
    );
}

underFaults(import.meta.url, faults => {
  for (const kind of KINDS) {
    test(`a pool of kind ${kind} loses nothing where the kernel gives it no memory`, async () => {
      const held = await settledHoldings();
      const cells = kind === 'protect' ? [...CELLS, ...PROTECTING] : CELLS;
      await attemptAll(faults, cells, () => {
        const pool = createPool({ kind, chunkSize: 64 * KiB, limit: 1024 * KiB });
        const made: Aggregate[] = [];
        const operation = async (): Promise<void> => {
          for (const aggregate of made.splice(0)) aggregate.release();
          fill(pool, made);
        };
        const check = (isDone: boolean): void => {
          if (isDone) checkAll(made);
          for (const aggregate of made.splice(0)) aggregate.release();
          pool.trim(0);
          const { bytesLive, bytesUsed, leaked } = pool.stats();
          assert.deepEqual({ bytesLive, bytesUsed, leaked }, { bytesLive: 0, bytesUsed: 0, leaked: 0 });
        };
        const end = (): void => {
          pool.trim(0);
          assert.deepEqual([pool.stats().chunks, pool.stats().bytesMapped], [0, 0]);
          pool.close();
        };
        return { operation, check, end };
      });
      await holdingsReturnTo(held);
    });

    test(`what a pool of kind ${kind} has is given back, whatever the kernel says`, async () => {
      const held = await settledHoldings();
      const cells: FaultCell[] = [['mmap', { error: 'ENOMEM' }]];
      await attemptAll(faults, cells, () => {
        let pool: Pool | undefined;
        const made: Aggregate[] = [];
        const begin = (): void => {
          pool = createPool({ kind, chunkSize: 64 * KiB });
          fill(pool, made);
        };
        begin();
        const operation = async (): Promise<void> => {
          if (pool === undefined) begin();
          for (const aggregate of made.splice(0)) assert.doesNotThrow(() => aggregate.release());
          assert.doesNotThrow(() => pool?.trim(0));
          assert.doesNotThrow(() => pool?.close());
          pool = undefined;
        };
        return { operation };
      });
      await holdingsReturnTo(held);
    });
  }
});
