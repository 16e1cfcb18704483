import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ChunkPool } from '../../src/memory/chunk-pool.ts';

const MiB = 1024 ** 2;

// All pools of the process have one timer.
mock.timers.enable({ apis: ['setTimeout'] });

test('a pool that peaked gives back what stays idle, but for a remainder', () => {
  using pool = new ChunkPool();
  const leases = Array.from({ length: 60 }, () => pool.commit(pool.reserve(MiB - 4096), MiB - 4096));
  for (const lease of leases) lease.release();
  assert.equal(pool.stats().bytesMapped, 60 * MiB);
  // What was idle for less than the whole time may be in use again at once.
  mock.timers.tick(2000);
  assert.equal(pool.stats().bytesMapped, 60 * MiB);
  mock.timers.tick(2000);
  assert.equal(pool.stats().bytesMapped, 2 * MiB);
});

test('a pool keeps what is used again and again', () => {
  using pool = new ChunkPool();
  const use = (count: number): void => {
    const leases = Array.from({ length: count }, () => pool.commit(pool.reserve(MiB - 4096), MiB - 4096));
    for (const lease of leases) lease.release();
  };
  use(30);
  for (let i = 0; i < 5; i++) {
    use(20);
    mock.timers.tick(2000);
  }
  assert.equal(pool.stats().bytesMapped, 30 * MiB, 'who is busy may want it back');
  for (let i = 0; i < 15; i++) {
    use(20);
    mock.timers.tick(2000);
  }
  assert.equal(pool.stats().bytesMapped, 20 * MiB);
  assert.equal(pool.stats().recycled, 400);
});

test('a pool with a limit keeps a part of it', () => {
  using pool = new ChunkPool({ limit: 320 * MiB });
  const leases = Array.from({ length: 30 }, () => pool.commit(pool.reserve(MiB - 4096), MiB - 4096));
  for (const lease of leases) lease.release();
  for (let i = 0; i < 3; i++) mock.timers.tick(2000);
  assert.equal(pool.stats().bytesMapped, 10 * MiB);
});
