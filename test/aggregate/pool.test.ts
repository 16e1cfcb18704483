import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';

const MiB = 1024 ** 2;

test('trim() gives back what is idle, down to what may stay', () => {
  using pool = createPool();
  const all = [1, 2, 3, 4].map(byte => pool.from(Buffer.alloc(2 * MiB, byte)));
  assert.equal(pool.trim(), 0);
  for (const each of all.slice(1)) each.release();
  const { bytesMapped } = pool.stats();
  const given = pool.trim(3 * MiB);
  assert.ok(given > 2 * MiB);
  assert.equal(pool.stats().bytesMapped, bytesMapped - given);
  pool.trim();
  assert.equal(pool.stats().chunksIdle, 0);
  assert.ok(all[0]?.equals(Buffer.alloc(2 * MiB, 1)));
  all[0]?.release();
});

test('trim() refuses what is no number of bytes', () => {
  using pool = createPool();
  for (const wrong of [-1, 2 ** 60]) assert.throws(() => pool.trim(wrong), { code: 'ERR_IOLITE_RANGE' });
  for (const wrong of [1.5, Number.NaN, '1', null]) {
    assert.throws(() => pool.trim(wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  pool.close();
  assert.equal(pool.trim(), 0);
});
