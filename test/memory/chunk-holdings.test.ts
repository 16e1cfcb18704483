import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chunk, ChunkHolder } from '../../src/memory/chunk.ts';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';
import { lockedInodes } from '../../src/memory/locked-inodes.ts';
import type { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';

/** A domain that was given chunks, as far as a pool sees it. */
function holder(pid: number, untaken: Chunk[] = []): ChunkHolder {
  return {
    peer: { pid, uid: 1, gid: 1 },
    isOpen: true,
    maxHeldBytes: undefined,
    leasedCount: 0,
    untaken: () => new Set(untaken),
    cutOff: () => assert.fail('it was cut off'),
  };
}

test('of those that were given a chunk the one counts that the kernel or its channel names', () => {
  const pool = new ChunkPool();
  const { lease } = pool.reserve(300_000);
  const chunk = lease.chunk as SharedChunk;
  const none = 2 ** 22 + 1;
  chunk.givenTo(holder(process.pid));
  chunk.givenTo(holder(none));
  assert.deepEqual(pool.holdings.list(), []);
  const fd = chunk.grant();
  assert.ok(lockedInodes(process.pid)?.has(chunk.inode));
  assert.equal(lockedInodes(none), undefined);
  const [known, ...others] = pool.holdings.list();
  assert.deepEqual([known?.pid, known?.bytes, others.length], [process.pid, chunk.size, 0]);
  const late = holder(none + 1, [chunk]);
  chunk.givenTo(late);
  assert.deepEqual(
    pool.holdings.list().map(({ pid }) => pid),
    [process.pid, none + 1],
  );
  closeDescriptor(fd);
  assert.deepEqual(pool.holdings.list(), []);
  assert.ok(!lockedInodes(process.pid)?.has(chunk.inode));
  lease.release();
  pool.close();
});

test('a chunk forgets holders that are gone, and all when it is dropped', () => {
  const pool = new ChunkPool();
  const { lease } = pool.reserve(300_000);
  const chunk = lease.chunk as SharedChunk;
  for (let pid = 1; pid <= 200; pid++) chunk.givenTo({ ...holder(pid), isOpen: false });
  assert.ok(chunk.holders.size <= 64);
  const open = holder(1000);
  chunk.givenTo(open);
  chunk.takenFrom(open);
  assert.ok(!chunk.holders.has(open));
  lease.release();
  pool.close();
  assert.equal(chunk.holders.size, 0);
});
