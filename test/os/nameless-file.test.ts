import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { NAMELESS, nameFile } from '../../src/os/nameless-file.ts';
import { Folder } from '../support/folder.ts';

/** Not all file systems can. */
function openNameless(folder: Folder): number | undefined {
  try {
    return openSync(folder.path, NAMELESS, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    assert.ok(code === 'EOPNOTSUPP' || code === 'EISDIR', code);
    return undefined;
  }
}

test('a nameless file is in no folder until it is given a name, which nothing may have', t => {
  using folder = new Folder();
  const fd = openNameless(folder);
  if (fd === undefined) return t.skip('the file system of the temporary folder has no nameless files');
  try {
    writeSync(fd, 'content');
    assert.deepEqual(readdirSync(folder.path), []);
    assert.equal(fstatSync(fd).nlink, 0);
    nameFile(fd, folder.file('name'));
    assert.equal(readFileSync(folder.file('name'), 'utf8'), 'content');
    assert.throws(() => nameFile(fd, folder.file('name')), { code: 'EEXIST', syscall: 'linkat' });
    assert.throws(() => nameFile(fd, folder.file('none/name')), { code: 'ENOENT' });
    assert.deepEqual(readdirSync(folder.path), ['name']);
  } finally {
    closeSync(fd);
  }
});

test('a nameless file that was given no name goes with its descriptor', t => {
  using folder = new Folder();
  const fd = openNameless(folder);
  if (fd === undefined) return t.skip('the file system of the temporary folder has no nameless files');
  closeSync(fd);
  assert.throws(() => nameFile(fd, folder.file('name')), { syscall: 'linkat' });
  assert.deepEqual(readdirSync(folder.path), []);
});
