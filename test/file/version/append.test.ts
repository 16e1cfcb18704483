import assert from 'node:assert/strict';
import { appendFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { hasGrown, readsTheSame } from '../../../src/file/version/append.ts';
import { type FileVersion, versionOf } from '../../../src/file/version/file-version.ts';
import { Folder } from '../../support/folder.ts';

const MIB = 1024 ** 2;

function versionAt(path: string): FileVersion {
  return versionOf(statSync(path, { bigint: true }), path);
}

test('a file has grown if it is the same one, and longer', () => {
  using folder = new Folder();
  const path = folder.file('log');
  writeFileSync(path, 'a line\n');
  const before = versionAt(path);
  assert.equal(hasGrown(before, versionAt(path)), false);
  appendFileSync(path, 'another\n');
  assert.equal(hasGrown(before, versionAt(path)), true);
  truncateSync(path, 3);
  assert.equal(hasGrown(before, versionAt(path)), false);
  writeFileSync(folder.file('next'), 'a line\nanother\n');
  renameSync(folder.file('next'), path);
  assert.equal(hasGrown(before, versionAt(path)), false);
});

test('what was read is found again, or not', async () => {
  using folder = new Folder();
  const path = folder.file('log');
  const bytes = Buffer.from(Array.from({ length: 3 * MIB + 5 }, (_, i) => i * 7));
  writeFileSync(path, bytes);
  await using handle = await open(path, 'r+');
  const pieces = [0, 1, MIB + 3, 3 * MIB + 5].map((end, i, ends) => ({
    bytes: bytes.subarray(ends[i - 1] ?? 0, end),
  }));
  assert.equal(await readsTheSame(handle, pieces, 0), true);
  assert.equal(await readsTheSame(handle, [{ bytes: bytes.subarray(9) }], 9), true);
  assert.equal(await readsTheSame(handle, [], 0), true);
  await handle.write('!', 2 * MIB);
  assert.equal(await readsTheSame(handle, pieces, 0), false);
  await handle.write(bytes, 0, bytes.length, 0);
  await handle.truncate(bytes.length - 1);
  assert.equal(await readsTheSame(handle, pieces, 0), false);
});
