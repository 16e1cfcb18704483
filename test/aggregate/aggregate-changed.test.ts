import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';

const SIZE = 100_000;

test('changing every byte costs one new buffer, and the old one goes', () => {
  using pool = createPool({ chunkSize: 65_536 });
  using aggregate = pool.from(Buffer.alloc(SIZE, 'a'));
  const [before] = aggregate.slices();
  const { bytesLive: live, allocated } = pool.stats();
  aggregate.write(0, Buffer.alloc(SIZE, 'b'));
  assert.equal(pool.stats().allocated, allocated + 1);
  assert.equal(aggregate.slices().length, 1);
  assert.notDeepEqual(aggregate.slices()[0]?.id, before?.id);
  assert.equal(pool.stats().bytesLive, live);
  assert.ok(aggregate.equals(Buffer.alloc(SIZE, 'b')));
});
