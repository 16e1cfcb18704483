import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { dropFlock, tryFlock } from '../../src/os/flock.ts';
import { Folder } from '../support/folder.ts';

test('one open file description has the lock of a file, until it drops it or is closed', () => {
  using folder = new Folder();
  const open = (): number => openSync(folder.file('file'), 'w');
  const [first, second, third] = [open(), open(), open()];
  assert.equal(tryFlock(first), true);
  assert.equal(tryFlock(first), true);
  assert.equal(tryFlock(second), false);
  dropFlock(first);
  assert.equal(tryFlock(second), true);
  assert.equal(tryFlock(first), false);
  closeSync(second);
  assert.equal(tryFlock(third), true);
  for (const fd of [first, third]) closeSync(fd);
});

test('what is not open has no lock', () => {
  assert.throws(() => tryFlock(-1), { code: 'EBADF', syscall: 'flock' });
  assert.throws(() => dropFlock(-1), { code: 'EBADF', syscall: 'flock' });
});
