import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { POLICY_NAMES } from '../../../src/store/policies/index.ts';
import { Folder } from '../../support/folder.ts';

const MiB = 1024 ** 2;
const FILE_MIB = 32;

for (const policy of POLICY_NAMES) {
  test(`${policy}: readers of a file that is larger than the budget share what is read`, async () => {
    using folder = new Folder();
    using cache = createFileCache({ budget: 8 * MiB, policy, maxStale: 3_600_000 });
    const path = folder.file('large');
    writeFileSync(path, Buffer.alloc(FILE_MIB * MiB, 'content of a large file '));
    for (let i = 0; i < 60; i++) {
      writeFileSync(folder.file(`small ${i}`), Buffer.alloc(100_000, 's'));
      for (let times = 0; times < 3; times++) (await cache.read(folder.file(`small ${i}`))).release();
    }
    const before = cache.stats().misses;
    using file = await cache.snapshot(path);
    const extents = Math.ceil((FILE_MIB * MiB) / (256 * 1024));
    for (let i = 0; i < FILE_MIB + 2; i++) {
      for (const at of [i, i - 1, i - 2]) {
        if (at < 0 || at >= FILE_MIB) continue;
        using part = await file.read(at * MiB, (at + 1) * MiB);
        assert.equal(part.length, MiB);
        assert.equal(part.readUInt8(0), 'content of a large file '.charCodeAt((at * MiB) % 24));
      }
    }
    const read = cache.stats().misses - before;
    // Each for itself would read three times as many. S3-FIFO's probation holds fewer extents than the
    // readers lie apart: it reads each once more, and keeps what it knew by then.
    const bound = policy === 's3fifo' ? 2.25 * extents : 1.5 * extents;
    assert.ok(read < bound, `${read} extents were read of ${extents}`);
  });
}
