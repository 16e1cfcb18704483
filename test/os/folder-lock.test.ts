import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { tryLockFolder } from '../../src/os/folder-lock.ts';
import { Folder } from '../support/folder.ts';

test('tryLockFolder() gives one the lock at a time', () => {
  using folder = new Folder();
  const unlock = tryLockFolder(folder.path);
  assert.ok(unlock);
  assert.equal(tryLockFolder(folder.path), undefined);
  unlock();
  const again = tryLockFolder(folder.path);
  assert.ok(again);
  again();
});

test('tryLockFolder() throws what the kernel said', () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), '');
  assert.throws(() => tryLockFolder(folder.file('missing')), { name: 'SystemError', code: 'ENOENT' });
  assert.throws(() => tryLockFolder(folder.file('file')), { name: 'SystemError', code: 'ENOTDIR' });
});
