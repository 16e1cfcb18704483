import assert from 'node:assert/strict';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { openUnixListener } from '../../../src/os/listen/unix-listener.ts';
import { connectUnix } from '../../../src/os/unix-connect.ts';
import { Folder } from '../../support/folder.ts';

function canConnect(path: string): boolean {
  try {
    closeDescriptor(connectUnix(path) as number);
    return true;
  } catch {
    return false;
  }
}

test('a file that nobody listens on is replaced; one in use, or of another kind, is left alone', async () => {
  using folder = new Folder();
  const path = folder.file('a.sock');
  const first = await openUnixListener(path);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  await assert.rejects(openUnixListener(path), { code: 'EADDRINUSE' });
  assert.ok(canConnect(path));
  closeDescriptor(first.fd);
  assert.ok(existsSync(path) && !canConnect(path), 'its owner has ended without a word');
  const second = await openUnixListener(path, { mode: 0o600, uid: process.getuid?.() });
  assert.ok(canConnect(path));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  renameSync(path, folder.file('moved'));
  const third = await openUnixListener(path);
  second.unlink();
  assert.ok(canConnect(path), 'it is no more the file that it made');
  third.unlink();
  assert.ok(!existsSync(path));
  for (const { fd } of [second, third]) closeDescriptor(fd);
  writeFileSync(path, 'text');
  await assert.rejects(openUnixListener(path), { code: 'EADDRINUSE' });
  await assert.rejects(openUnixListener(folder.file('none/a.sock')), { code: 'ENOENT' });
  assert.equal(statSync(path).size, 4);
});

test('of several that try the path of a dead one at a time, one gets it', async () => {
  using folder = new Folder();
  const path = folder.file('a.sock');
  closeDescriptor((await openUnixListener(path)).fd);
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => openUnixListener(path)));
  const got = tries.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
  assert.equal(got.length, 1);
  assert.ok(canConnect(path));
  renameSync(path, `${path}.moved`);
  got[0]?.unlink();
  assert.ok(existsSync(`${path}.moved`));
  closeDescriptor(got[0]?.fd as number);
});

test('an abstract name has no file', async () => {
  const name = `@iolite-test-${process.pid}/listen`;
  const { fd, unlink } = await openUnixListener(name);
  assert.ok(canConnect(name));
  unlink();
  closeDescriptor(fd);
  assert.ok(!canConnect(name));
});
