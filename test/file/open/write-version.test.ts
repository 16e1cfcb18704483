import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openFile } from '../../../src/file/open/open-file.ts';
import { libc } from '../../../src/os/libc.ts';
import { ended } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { version } from '../support/versions.ts';

const MiB = 1024 ** 2;
const KILLS = 8;

test('whenever the process is killed, the file is one version whole, and none synced is lost', async () => {
  using folder = new Folder();
  for (let kill = 0; kill < KILLS; kill++) {
    const path = folder.file(`file-${kill}`);
    await using program = new Program(new URL('../children/syncer.ts', import.meta.url), [path]);
    let synced = -1;
    for (let lines = 0; lines < kill; lines++) synced = (await program.line()) as number;
    // Where in the writing of the next versions it dies is for chance to say.
    await setTimeout(Math.random() * 20);
    program.kill('SIGKILL');
    await ended(program.process);
    for (let line = await program.line(); line !== undefined; line = await program.line())
      synced = line as number;
    const found = existsSync(path) ? readFileSync(path) : undefined;
    const possible = synced === -1 ? [undefined, version(0)] : [version(synced), version(synced + 1)];
    assert.ok(
      possible.some(each => (each === undefined ? found === undefined : found?.equals(each))),
      `after version ${synced} it has ${found?.length} bytes`,
    );
  }
});

test('processes that change the same file lose nothing: the later one is told', async () => {
  using folder = new Folder();
  const path = folder.file('count');
  writeFileSync(path, '0');
  const times = 15;
  const module = new URL('../children/counter.ts', import.meta.url);
  const programs = Array.from({ length: 3 }, () => new Program(module, [path, `${times}`]));
  try {
    for (const program of programs) assert.equal(typeof (await program.line()), 'number');
    assert.equal(readFileSync(path, 'utf8'), `${programs.length * times}`);
    assert.deepEqual(readdirSync(folder.path), ['count']);
  } finally {
    for (const program of programs) await program[Symbol.asyncDispose]();
  }
});

test('a version that another put there is not undone', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  const changes: (() => void)[] = [
    () => writeFileSync(path, 'in place'),
    () => {
      writeFileSync(folder.file('b'), 'renamed');
      renameSync(folder.file('b'), path);
    },
    () => unlinkSync(path),
  ];
  for (const change of changes) {
    writeFileSync(path, 'original');
    const file = await openFile(path, 'r+');
    await file.append('!');
    change();
    const there = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    await assert.rejects(file.sync(), { code: 'ERR_IOLITE_CONFLICT' });
    assert.equal(existsSync(path) ? readFileSync(path, 'utf8') : undefined, there);
    await assert.rejects(file.close(), { code: 'ERR_IOLITE_CONFLICT' });
  }
  const file = await openFile(path, 'w');
  await file.append('new');
  writeFileSync(path, 'was first');
  await assert.rejects(file.close(), { code: 'ERR_IOLITE_CONFLICT' });
  assert.equal(readFileSync(path, 'utf8'), 'was first');
});

test('bytes on disk that were changed in place are not taken for those of the version opened', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'a'.repeat(200_000));
  await using file = await openFile(path);
  (await file.read(0, 10)).release();
  writeFileSync(path, 'b'.repeat(200_000));
  await assert.rejects(file.read(150_000, 10), { code: 'ERR_IOLITE_CONFLICT' });
  await assert.rejects(file.read(0, 200_000), { code: 'ERR_IOLITE_CONFLICT' });
  writeFileSync(path, 'b'.repeat(100));
  await assert.rejects(file.read(150_000, 10), { code: 'ERR_IOLITE_CONFLICT' });
});

test('mode, owner and attributes stay; links are followed; only one name is allowed', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'old');
  chmodSync(path, 0o2751);
  if (process.getuid?.() === 0) chownSync(path, 12, 34);
  chmodSync(path, 0o2751);
  const fd = openSync(path, 'r+');
  const value = Buffer.from('kept');
  const hasAttributes = libc().fsetxattr(fd, 'user.iolite', value, value.length, 0) === 0;
  closeSync(fd);
  symlinkSync('a', folder.file('link'));
  const before = statSync(path);
  const file = await openFile(folder.file('link'), 'r+');
  assert.equal(file.path, path);
  await file.replace('new');
  await file.sync();
  const after = statSync(path);
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.equal(readFileSync(folder.file('link'), 'utf8'), 'new');
  if (hasAttributes) {
    const found = Buffer.alloc(8);
    const opened = openSync(path, 'r');
    assert.equal(libc().fgetxattr(opened, 'user.iolite', found, 8), 4);
    closeSync(opened);
    assert.equal(found.toString('latin1', 0, 4), 'kept');
  }
  linkSync(path, folder.file('second'));
  await file.append('!');
  await assert.rejects(file.sync(), { code: 'ERR_IOLITE_FILE' });
  await assert.rejects(openFile(folder.file('second'), 'r+'), { code: 'ERR_IOLITE_FILE' });
  unlinkSync(folder.file('second'));
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), 'new!');
});

test('a disk that is full is an error, the old version stays, and the sync can be tried again', async t => {
  using folder = new Folder();
  const mount = folder.file('disk');
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'ignore' });
  } catch {
    t.skip('only root can mount');
    return;
  }
  try {
    const path = `${mount}/a`;
    writeFileSync(path, Buffer.alloc(MiB, 'o'));
    writeFileSync(`${mount}/other`, Buffer.alloc(2 * MiB));
    const file = await openFile(path, 'r+');
    await file.append(Buffer.alloc(MiB, 'n'));
    await assert.rejects(file.sync(), { code: 'ENOSPC', syscall: 'write' });
    assert.ok(readFileSync(path).equals(Buffer.alloc(MiB, 'o')));
    assert.deepEqual(readdirSync(mount).sort(), ['a', 'other']);
    unlinkSync(`${mount}/other`);
    await file.sync();
    assert.equal(statSync(path).size, 2 * MiB);
    execFileSync('mount', ['-o', 'remount,ro', mount], { stdio: 'ignore' });
    await file.append('!');
    await assert.rejects(file.sync(), { code: 'EROFS' });
    await assert.rejects(openFile(path, 'r+'), { code: 'EROFS' });
    await file.reload();
    await file.close();
  } finally {
    execFileSync('umount', ['-l', mount]);
  }
});
