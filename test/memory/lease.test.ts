import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chunk } from '../../src/memory/chunk.ts';
import { HeapChunk } from '../../src/memory/heap-chunk.ts';
import { Lease } from '../../src/memory/lease.ts';

test('a lease ends with its last reference, once', () => {
  const ended: Chunk[] = [];
  const chunk = new HeapChunk(Buffer.alloc(64), idle => ended.push(idle));
  const lease = new Lease(chunk);
  lease.retain(2);
  lease.retain();
  lease.release();
  assert.deepEqual(ended, []);
  lease.release(2);
  assert.deepEqual(ended, [chunk]);
  assert.equal(lease.references, 0);
});

test('a lease that is released more often than it was retained is found out', () => {
  const lease = new Lease(new HeapChunk(Buffer.alloc(64)));
  lease.retain();
  lease.release();
  assert.throws(() => lease.release(), { code: 'ERR_IOLITE_INVARIANT' });
});
