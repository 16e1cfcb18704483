import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';

for (const isClosed of [true, false]) {
  const how = isClosed ? 'closed and forgotten' : 'forgotten';
  test(`a pool that is ${how} with all that lies in it leaves no descriptor`, async () => {
    const held = await settledHoldings();
    (() => {
      for (let pools = 0; pools < 10; pools++) {
        const pool = createPool({ chunkSize: 64 * 1024 });
        // In use, idle, and in use together.
        pool.from(Buffer.alloc(40_000, 'never released'));
        pool.from(Buffer.alloc(40_000, 'idle')).release();
        pool.from('small');
        if (isClosed) pool.close();
      }
    })();
    await holdingsReturnTo(held);
  });
}

test('a chunk that is dropped has no inode any more', () => {
  const pool = createPool({ chunkSize: 64 * 1024 });
  const aggregate = pool.from(Buffer.alloc(40_000, 'content'));
  const [slice] = aggregate.slices();
  const chunk = slice?.lease.chunk;
  assert.ok(chunk instanceof SharedChunk);
  assert.ok(chunk.inode > 0);
  aggregate.release();
  pool.close();
  assert.equal(chunk.inode, 0);
});
