import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';
import { importChunk } from '../../src/memory/imported-chunk.ts';
import type { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { collectGarbage } from '../support/garbage.ts';

const MiB = 1024 ** 2;

function fill(pool: ChunkPool, size: number, value: number) {
  const reservation = pool.reserve(size);
  reservation.bytes.fill(value);
  const lease = pool.commit(reservation, size);
  return { lease, start: reservation.offset, end: reservation.offset + size };
}

for (const memory of ['shared', 'heap'] as const) {
  test(`reserve() places small buffers in one chunk, aligned (${memory})`, () => {
    using pool = new ChunkPool({ memory });
    const slices = [1, 63, 64, 65, 1000].map(size => fill(pool, size, size % 256));
    assert.equal(pool.stats().chunks, 1);
    for (const { lease, start, end } of slices) {
      assert.equal(start % 64, 0);
      const size = end - start;
      assert.ok(lease.bytes.subarray(start, end).every(byte => byte === size % 256));
      lease.release();
    }
  });

  test(`reserve() gives a large buffer a chunk of its own, and recycles it (${memory})`, () => {
    using pool = new ChunkPool({ memory });
    const first = fill(pool, MiB, 1);
    const { id } = first.lease.chunk;
    first.lease.release();
    const second = fill(pool, MiB, 2);
    assert.equal(second.lease.chunk.id, id);
    assert.equal(second.lease.generation, 2);
    assert.equal(pool.stats().recycled, 1);
    assert.equal(pool.stats().chunks, 1);
    second.lease.release();
  });

  test(`reserve() throws when the limit is reached, and goes on after a release (${memory})`, () => {
    using pool = new ChunkPool({ memory, limit: 3 * MiB });
    const held = [fill(pool, MiB, 1), fill(pool, MiB, 2)];
    assert.throws(() => pool.reserve(MiB), { code: 'ERR_IOLITE_LIMIT' });
    held[0]?.lease.release();
    fill(pool, MiB, 3).lease.release();
    held[1]?.lease.release();
    assert.ok(pool.stats().bytesMapped <= 3 * MiB);
  });

  test(`reserve() makes room below its limit out of idle chunks of another size (${memory})`, () => {
    using pool = new ChunkPool({ memory, limit: 3 * MiB });
    fill(pool, MiB, 1).lease.release();
    fill(pool, 2 * MiB, 2).lease.release();
    assert.equal(pool.stats().chunks, 1);
  });

  test(`cancel() gives the room back (${memory})`, () => {
    using pool = new ChunkPool({ memory });
    const keep = fill(pool, 10, 1);
    const cancelled = pool.reserve(1000);
    pool.cancel(cancelled);
    const next = pool.reserve(10);
    assert.equal(next.offset, cancelled.offset);
    pool.cancel(next);
    keep.lease.release();
  });

  test(`close() keeps live buffers readable and drops all chunks with the last of them (${memory})`, () => {
    const pool = new ChunkPool({ memory });
    const small = fill(pool, 10, 1);
    const large = fill(pool, MiB, 2);
    pool.close();
    assert.throws(() => pool.reserve(1), { code: 'ERR_IOLITE_CLOSED' });
    assert.equal(small.lease.bytes[small.start], 1);
    small.lease.release();
    large.lease.release();
    assert.deepEqual(
      { ...pool.stats(), allocated: 0 },
      {
        chunks: 0,
        chunksIdle: 0,
        bytesMapped: 0,
        bytesLive: 0,
        bytesUsed: 0,
        bytesHeld: 0,
        recycled: 0,
        allocated: 0,
        leaked: 0,
      },
    );
  });

  test(`a lease that nobody released ends when it is collected (${memory})`, async () => {
    using pool = new ChunkPool({ memory });
    (() => fill(pool, MiB, 1))();
    await collectGarbage(() => pool.stats().leaked === 1);
    assert.equal(pool.stats().bytesLive, 0);
    fill(pool, MiB, 2).lease.release();
    assert.equal(pool.stats().recycled, 1);
  });
}

test('ChunkPool() checks its options', () => {
  const argument = { code: 'ERR_IOLITE_ARGUMENT' };
  assert.throws(() => new ChunkPool({ name: 'a/b' }), argument);
  assert.throws(() => new ChunkPool({ kind: 'other' as 'seal' }), argument);
  assert.throws(() => new ChunkPool({ memory: 'disk' as 'heap' }), argument);
  assert.throws(() => new ChunkPool({ acl: { users: [1] } as never }), argument);
  assert.throws(() => new ChunkPool({ chunkSize: 1.5 }), argument);
  assert.throws(() => new ChunkPool({ chunkSize: 100 }), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => new ChunkPool({ limit: -1 }), { code: 'ERR_IOLITE_RANGE' });
});

test('reserve() checks its size', () => {
  using pool = new ChunkPool();
  for (const size of ['1', 1.5, Number.NaN, undefined]) {
    assert.throws(() => pool.reserve(size as number), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const size of [-1, 2 ** 33]) assert.throws(() => pool.reserve(size), { code: 'ERR_IOLITE_RANGE' });
});

test('commit() of a sealed pool freezes the bytes, in pages of their own', () => {
  using pool = new ChunkPool({ kind: 'seal' });
  const one = fill(pool, 100, 1);
  const other = fill(pool, 100, 2);
  assert.notEqual(one.lease.chunk, other.lease.chunk);
  assert.ok((one.lease.chunk as SharedChunk).frozen);
  assert.equal(one.lease.bytes[one.start], 1);
  assert.equal(other.lease.bytes[other.start + 99], 2);
  for (const { lease } of [one, other]) lease.release();
  assert.equal(pool.stats().chunks, 0);
});

test('a chunk that another domain leases is not recycled', () => {
  using pool = new ChunkPool();
  const { lease, start } = fill(pool, MiB, 1);
  const chunk = lease.chunk as SharedChunk;
  const imported = importChunk(chunk.grant(), chunk, { onWrite: 'fault', requireSealed: false });
  imported.addGrant();
  const theirs = imported.lease(1);
  theirs.retain();
  lease.release();
  const next = fill(pool, MiB, 2);
  assert.notEqual(next.lease.chunk, chunk);
  assert.equal(theirs.bytes[start], 1);
  theirs.release();
  imported.unlockIfIdle();
  const recycled = fill(pool, MiB, 3);
  assert.equal(recycled.lease.chunk, chunk);
  assert.throws(() => imported.lease(1), { code: 'ERR_IOLITE_STALE' });
  imported.removeGrant();
  for (const each of [next, recycled]) each.lease.release();
});

test('views of a dropped chunk stay readable', () => {
  const pool = new ChunkPool();
  const { lease, start, end } = fill(pool, MiB, 9);
  const view = lease.bytes.subarray(start, end);
  lease.release();
  pool.close();
  assert.equal(view[0], 0);
  view[0] = 1;
  assert.equal(view[0], 1);
});

test('a pool that does not refill gives back what nobody uses, also what others have let go of', () => {
  const pool = new ChunkPool({ refill: false });
  const { lease } = fill(pool, MiB, 1);
  const { chunk } = lease;
  assert.equal(chunk.generation, 0xffff_ffff);
  const granted = (chunk as SharedChunk).grant();
  lease.release();
  assert.equal(pool.stats().chunks, 1);
  closeSync(granted);
  const next = fill(pool, MiB, 2);
  assert.notEqual(next.lease.chunk, chunk);
  assert.deepEqual([pool.stats().chunks, pool.stats().recycled], [1, 0]);
  next.lease.release();
  assert.equal(pool.stats().chunks, 0);
  pool.close();
  assert.throws(() => new ChunkPool({ refill: 'no' as never }), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('chunks leased longer by another domain go when that has let go, though nobody allocates', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const pool = new ChunkPool();
  const leases = [1, 2, 3, 4].map(() => pool.commit(pool.reserve(30 * MiB), 30 * MiB));
  // Descriptors as they go to another domain, with a lease each.
  const elsewhere = leases.map(({ chunk }) => (chunk as SharedChunk).grant());
  for (const lease of leases) lease.release();
  assert.equal(pool.stats().chunks, 4);
  context.mock.timers.tick(500);
  assert.equal(pool.stats().chunks, 4);
  for (const fd of elsewhere) closeSync(fd);
  assert.equal(pool.stats().chunks, 4);
  context.mock.timers.tick(500);
  assert.equal(pool.stats().chunks, 2);
  context.mock.timers.tick(500);
  assert.equal(pool.stats().chunks, 2);
  pool.close();
});

test('trim() gives idle chunks back, and says how much', () => {
  using pool = new ChunkPool();
  const small = fill(pool, 10, 1);
  const large = fill(pool, 4 * MiB, 2);
  assert.equal(pool.trim(0), 0);
  large.lease.release();
  assert.equal(pool.trim(8 * MiB), 0);
  assert.equal(pool.trim(0), 4 * MiB + 4096);
  // The chunk that the next small buffer would come into goes too, when it is empty.
  small.lease.release();
  assert.equal(pool.trim(0), MiB);
  assert.deepEqual([pool.stats().chunks, pool.stats().bytesMapped], [0, 0]);
  fill(pool, 10, 1).lease.release();
});

test('a limit that is lowered holds for what is allocated then', () => {
  using pool = new ChunkPool({ limit: 8 * MiB });
  const leases = [1, 2, 3].map(() => pool.commit(pool.reserve(2 * MiB), 2 * MiB));
  pool.limit = 4 * MiB;
  assert.throws(() => pool.reserve(MiB), { code: 'ERR_IOLITE_LIMIT' });
  for (const lease of leases) lease.release();
  pool.commit(pool.reserve(3 * MiB), MiB).release();
  assert.ok(pool.stats().bytesMapped <= 4 * MiB);
});

test('a buffer that is longer than its room is found out', () => {
  using pool = new ChunkPool({ memory: 'heap' });
  const reservation = pool.reserve(MiB);
  assert.throws(() => pool.commit(reservation, MiB + 1), { code: 'ERR_IOLITE_INVARIANT' });
  pool.commit(reservation, MiB).release();
});

test('a chunk that ends its use twice is found out', () => {
  using pool = new ChunkPool({ memory: 'heap' });
  const { lease } = fill(pool, MiB, 1);
  lease.release();
  assert.throws(() => lease.chunk.leaseEnded(lease.generation), { code: 'ERR_IOLITE_INVARIANT' });
});
