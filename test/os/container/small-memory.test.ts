import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryGauge } from '../../../src/os/container/memory-gauge.ts';
import { hasSmallMemory, SMALL_MEMORY_BYTES } from '../../../src/os/container/small-memory.ts';
import { MemoryCgroup } from '../../support/memory-cgroup.ts';

const TELLER = new URL('../children/memory-teller.ts', import.meta.url);

test('memory is small as the gauge has it', () => {
  assert.equal(hasSmallMemory(), new MemoryGauge().limit() < SMALL_MEMORY_BYTES);
});

for (const [bytes, isSmall] of [
  [SMALL_MEMORY_BYTES / 2, true],
  [2 * SMALL_MEMORY_BYTES, false],
] as const)
  test(`in a container of ${bytes / 2 ** 20} MiB memory is ${isSmall ? '' : 'not '}small`, async t => {
    const made = MemoryCgroup.create(bytes);
    if (typeof made === 'string') return t.skip(made);
    await using cgroup = made;
    assert.equal(await cgroup.run(TELLER), String(isSmall));
  });
