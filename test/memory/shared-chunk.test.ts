import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { addSeals, getSeals, Seal } from '../../src/os/memfd.ts';
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

for (const kind of ['recycle', 'protect', 'seal'] as const) {
  test(`nobody adds a seal to the memory of a pool of kind ${kind}, as owner of its file either`, () => {
    using pool = createPool({ kind, chunkSize: 64 * 1024 });
    using aggregate = pool.from(Buffer.alloc(40_000, 'content'));
    const chunk = aggregate.slices()[0]?.lease.chunk;
    assert.ok(chunk instanceof SharedChunk);
    const granted = chunk.grant();
    try {
      assert.notEqual(getSeals(granted) & Seal.SEAL, 0);
      const writable = openWritable(granted);
      if (writable === undefined) return;
      try {
        assert.throws(() => addSeals(writable, Seal.SHRINK), { code: 'EPERM' });
      } finally {
        closeSync(writable);
      }
    } finally {
      closeDescriptor(granted);
    }
  });
}

/** The same file, as root opens it. Undefined: this user is not let, whose file it is. */
function openWritable(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, 'r+');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EACCES');
    return undefined;
  }
}
