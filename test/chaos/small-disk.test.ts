import assert from 'node:assert/strict';
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SmallDisk } from '../../chaos/small-disk.ts';

const LONG_MS = 2 ** 30;
const folder = mkdtempSync('/tmp/iolite-test-');
const disk = SmallDisk.mount(folder);
process.once('exit', () => rmdirSync(folder));

test('a disk is full while it lasts, and goes with its content', {
  skip: typeof disk === 'string' && disk,
}, () => {
  if (typeof disk === 'string') return;
  const write = () => writeFileSync(join(folder, 'file'), 'some');
  write();
  disk.fill(LONG_MS);
  assert.throws(() => writeFileSync(join(folder, 'other'), Buffer.alloc(4096)), { code: 'ENOSPC' });
  disk.clear();
  write();
  disk[Symbol.dispose]();
});
