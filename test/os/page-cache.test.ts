import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { dropPageCache } from '../../src/os/page-cache.ts';
import { Folder } from '../support/folder.ts';

test('dropPageCache() costs nothing of the content, of all of a file or of a range', () => {
  using folder = new Folder();
  const content = Buffer.alloc(1_000_000, 'a line of a file\n');
  writeFileSync(folder.file('file'), content);
  const fd = openSync(folder.file('file'), 'r+');
  try {
    // Not written yet, and written.
    dropPageCache(fd);
    fsyncSync(fd);
    dropPageCache(fd, 4096, 100_000);
    dropPageCache(fd);
    assert.ok(readFileSync(folder.file('file')).equals(content));
  } finally {
    closeSync(fd);
  }
});

test('dropPageCache() refuses what is no file', () => {
  using folder = new Folder();
  execFileSync('mkfifo', [folder.file('pipe')]);
  const fd = openSync(folder.file('pipe'), constants.O_RDWR);
  try {
    assert.throws(() => dropPageCache(fd), { code: 'ESPIPE', syscall: 'posix_fadvise' });
  } finally {
    closeSync(fd);
  }
  assert.throws(() => dropPageCache(-1), { code: 'EBADF' });
});
