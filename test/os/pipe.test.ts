import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { pipeCapacity } from '../../src/os/pipe.ts';
import { Folder } from '../support/folder.ts';

/** Writes until nothing more is taken. @returns how many bytes were */
function fill(fd: number): number {
  const page = Buffer.alloc(4096);
  for (let taken = 0; ; ) {
    try {
      taken += writeSync(fd, page);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
      return taken;
    }
  }
}

test('pipeCapacity() is what a pipe holds', () => {
  using folder = new Folder();
  execFileSync('mkfifo', [folder.file('pipe')]);
  const fd = openSync(folder.file('pipe'), constants.O_RDWR | constants.O_NONBLOCK);
  try {
    assert.equal(fill(fd), pipeCapacity(fd));
  } finally {
    closeSync(fd);
  }
});

test('pipeCapacity() refuses what is no pipe', () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), '');
  const fd = openSync(folder.file('file'), 'r');
  try {
    assert.throws(() => pipeCapacity(fd), { code: 'EBADF', syscall: 'fcntl' });
  } finally {
    closeSync(fd);
  }
});
