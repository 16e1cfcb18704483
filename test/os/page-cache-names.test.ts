import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { dropPageCache, openCached, readCached, statCached } from '../../src/os/page-cache.ts';
import { Folder } from '../support/folder.ts';

/** Whether this kernel, and what confines us, admits the calls at all. */
function isAvailable(): boolean {
  const fd = openCached('/');
  if (fd !== undefined) closeDescriptor(fd);
  return fd !== undefined;
}

test('a file whose name and pages are in memory is opened and read', t => {
  if (!isAvailable()) return t.skip('openat2(2) with RESOLVE_CACHED is not to be had');
  using folder = new Folder();
  writeFileSync(folder.file('a'), 'some content');
  const fd = openCached(folder.file('a'));
  assert.ok(fd !== undefined);
  const bytes = Buffer.allocUnsafeSlow(4096);
  assert.equal(readCached(fd, bytes, 5), 7);
  assert.equal(bytes.toString('latin1', 0, 7), 'content');
  assert.equal(readCached(fd, bytes, 100), 0);
  assert.equal(readCached(fd, Buffer.alloc(0), 0), 0);
  closeDescriptor(fd);
  const stats = statCached(folder.file('a'));
  assert.ok(typeof stats === 'object');
  assert.equal(stats.size, 12n);
  assert.equal(typeof statCached(folder.path), 'object');
});

test('links, what is not there and what is no path are nothing for it', t => {
  if (!isAvailable()) return t.skip('openat2(2) with RESOLVE_CACHED is not to be had');
  using folder = new Folder();
  mkdirSync(folder.file('dir'));
  writeFileSync(folder.file('dir/a'), 'a');
  symlinkSync('dir/a', folder.file('link'));
  symlinkSync('dir', folder.file('linked'));
  // So that the kernel knows these names.
  for (const name of ['link', 'linked/a']) closeSync(openSync(folder.file(name), 'r'));
  for (const name of ['link', 'linked/a', 'none', 'dir/a/b', 'a\0b', '\ud800'])
    assert.equal(openCached(folder.file(name)), undefined, name);
  for (const name of ['link', 'linked/a', 'a\0b'])
    assert.equal(statCached(folder.file(name)), undefined, name);
  assert.ok(['ENOENT', undefined].includes(statCached(folder.file('none')) as string | undefined));
});

test('what the page cache has lost is not waited for', t => {
  if (!isAvailable()) return t.skip('openat2(2) with RESOLVE_CACHED is not to be had');
  using folder = new Folder();
  const size = 1024 ** 2;
  writeFileSync(folder.file('a'), Buffer.alloc(size, 1), { flush: true });
  const fd = openCached(folder.file('a'));
  assert.ok(fd !== undefined);
  dropPageCache(fd);
  const bytes = Buffer.allocUnsafeSlow(size);
  // A file system in memory has no other place to have it.
  const read = readCached(fd, bytes, 0);
  assert.ok(read >= 0 && read <= size);
  assert.ok(bytes.subarray(0, read).every(byte => byte === 1));
  assert.equal(readCached(-1, bytes, 0), 0);
  closeDescriptor(fd);
});
