import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../src/aggregate/pool.ts';
import { sliced, slicings } from '../support/slicing.ts';
import { closeEmpty, describePool, eachPool } from '../support/stream-pools.ts';

for (const pool of eachPool()) {
  test(`toBlob() copies any bytes over any borders (${describePool(pool)})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), slicings, async (content, lengths) => {
        const aggregate = sliced(pool, content, lengths);
        const blob = aggregate.toBlob('text/plain');
        aggregate.release();
        assert.equal(blob.type, 'text/plain');
        assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.from(content));
      }),
      { numRuns: pool.chunks.kind === 'seal' ? 20 : 100 },
    );
    await closeEmpty(pool);
  });
}

test('toBlob() keeps its bytes when the memory of the pool is refilled', async () => {
  const pool = createPool({ limit: 32 * 1024, chunkSize: 32 * 1024 });
  const aggregate = pool.from(Buffer.alloc(20_000, 1));
  const blob = aggregate.toBlob();
  aggregate.release();
  for (let i = 0; i < 3; i++) pool.from(Buffer.alloc(20_000, 2)).release();
  assert(pool.stats().recycled > 0);
  assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.alloc(20_000, 1));
  assert.equal(blob.type, '');
  await closeEmpty(pool);
});

test('toBlob() refuses what is no media type, and released aggregates', async () => {
  const pool = createPool();
  const aggregate = pool.from('x');
  assert.throws(() => aggregate.toBlob(7 as unknown as string), { code: 'ERR_IOLITE_ARGUMENT' });
  aggregate.release();
  assert.throws(() => aggregate.toBlob(), { code: 'ERR_IOLITE_RELEASED' });
  await closeEmpty(pool);
});
