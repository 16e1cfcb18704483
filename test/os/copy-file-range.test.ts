import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { copyFileRange } from '../../src/os/copy-file-range.ts';
import { socketPair } from '../../src/os/socket.ts';
import { Folder } from '../support/folder.ts';

test('copyFileRange() copies a range to the same place, and no more than there is', async () => {
  using folder = new Folder();
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  writeFileSync(folder.file('from'), content);
  writeFileSync(folder.file('to'), Buffer.alloc(70_000, 0xff));
  const [from, to] = [openSync(folder.file('from'), 'r'), openSync(folder.file('to'), 'r+')];
  try {
    let end = 5000;
    // It may copy less than it is asked for.
    while (end < 65_000) {
      const copied = await copyFileRange(from, to, end, 65_000 - end);
      assert.ok(copied > 0 && copied <= 65_000 - end);
      end += copied;
    }
    const wanted = Buffer.alloc(70_000, 0xff);
    content.copy(wanted, 5000, 5000, 65_000);
    assert.ok(readFileSync(folder.file('to')).equals(wanted));
    assert.ok((await copyFileRange(from, to, 99_000, 5000)) <= 1000);
    assert.equal(await copyFileRange(from, to, 100_000, 5000), 0);
    assert.ok(fstatSync(to).size <= 100_000);
  } finally {
    closeSync(from);
    closeSync(to);
  }
});

test('copyFileRange() copies nothing where it does not work, and refuses what has no places', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('from'), 'content');
  const [from, appended] = [openSync(folder.file('from'), 'r'), openSync(folder.file('to'), 'a')];
  const [near, far] = socketPair('stream');
  try {
    assert.equal(await copyFileRange(from, appended, 0, 7), 0);
    await assert.rejects(copyFileRange(from, near, 0, 7), { code: 'ESPIPE', syscall: 'lseek' });
  } finally {
    for (const fd of [from, appended, near, far]) closeSync(fd);
  }
});
