import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { Credit } from '../../../src/ipc/flow/credit.ts';

const MiB = 1024 ** 2;

test('credit ends with the messages that may wait, and comes back as they are consumed', () => {
  const credit = new Credit();
  for (let i = 0; i < 3; i++) {
    assert.ok(credit.isLeft(3));
    credit.take([]);
  }
  assert.ok(!credit.isLeft(3));
  credit.consumed(2);
  assert.ok(credit.isLeft(3));
  credit.consumed(3);
  assert.throws(() => credit.consumed(4), { code: 'ERR_IOLITE_PROTOCOL' });
});

test('bytes of the same buffer count once, others until their message is consumed', () => {
  using pool = createPool({ chunkSize: 64 * MiB });
  using body = pool.from(Buffer.alloc(16 * MiB));
  using other = pool.from(Buffer.alloc(16 * MiB));
  const [mine, others] = [body.slices(), other.slices()];
  const credit = new Credit();
  for (let i = 0; i < 5; i++) credit.take(mine);
  assert.ok(credit.isLeft(1000));
  credit.take(others);
  assert.ok(!credit.isLeft(1000));
  credit.consumed(5);
  assert.ok(credit.isLeft(1000));
  credit.consumed(6);
  assert.ok(credit.isLeft(1000));
});
