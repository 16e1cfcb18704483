import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { landlockVersion } from '../../../src/os/confine/landlock.ts';
import { programFiles } from '../../../src/os/confine/program-files.ts';
import { Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { MemoryCgroup } from '../../support/memory-cgroup.ts';
import { watchdog } from '../../support/watchdog.ts';

const OPENER = new URL('../children/opener.ts', import.meta.url);
const CONFINER = new URL('../children/confiner.ts', import.meta.url);
const skip = landlockVersion() === 0 ? 'the kernel has no Landlock' : false;

test('the files of a program are its own, its libraries and its packages, as far as they are there', () => {
  const files = programFiles(import.meta.url);
  assert.ok(files.every(existsSync));
  assert.ok(files.includes(process.execPath));
  assert.ok(files.some(file => import.meta.dirname.startsWith(file)));
  assert.ok(!files.includes('/etc') && !files.includes('/'));
});

test('a confined child opens its files and no others, whatever way they are named', { skip }, async () => {
  await using family = new Family();
  using folder = new Folder();
  for (const name of ['read', 'write', 'other']) {
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(`${name}/file`), name);
  }
  symlinkSync(folder.file('other/file'), folder.file('read/link'));
  const { channel, process: child } = await family.fork(OPENER, [], {
    files: {
      read: [...programFiles(OPENER), folder.file('read'), folder.file('missing')],
      write: [folder.file('write'), '/dev/null'],
    },
  });
  assert.equal(channel.peer.pid, child.pid);
  const ask = async (action: string, path: string): Promise<unknown> =>
    (await watchdog(channel.request({ head: { action, path } }), `an answer to ${action} ${path}`)).head;
  assert.equal(await ask('read', folder.file('read/file')), 'read');
  assert.deepEqual(await ask('list', folder.file('read')), ['file', 'link']);
  assert.equal(await ask('write', folder.file('write/new')), 'written');
  for (const [action, path] of [
    ['read', '/etc/passwd'],
    ['read', folder.file('other/file')],
    ['read', folder.file('read/link')],
    ['read', folder.file('read/../other/file')],
    ['read', folder.file('write/file')],
    ['read', `/proc/${process.pid}/environ`],
    ['list', folder.path],
    ['write', folder.file('read/new')],
    ['write', folder.file('other/file')],
    ['move', folder.file('write/file')],
    ['remove', folder.file('write/file')],
    ['run', '/bin/sh'],
  ] as const) {
    assert.equal(await ask(action, path), 'EACCES', `${action} ${path}`);
  }
  // A directory that takes the place of one of its own is another one.
  renameSync(folder.file('read'), folder.file('before'));
  renameSync(folder.file('other'), folder.file('read'));
  assert.equal(await ask('read', folder.file('read/file')), 'EACCES');
  assert.equal(await ask('read', folder.file('before/file')), 'read');
});

test('a confined child inherits what it is passed, and what it is called by', { skip }, async () => {
  await using family = new Family();
  const { channel } = await family.fork(OPENER, ['one', 'two'], {
    env: { ...process.env, OF_THE_TEST: 'yes' },
    files: { read: programFiles(OPENER), write: ['/dev/null'] },
  });
  const { head } = await watchdog(channel.request({ head: { action: 'tell', path: '' } }), 'an answer');
  assert.deepEqual(head, { args: ['one', 'two'], variable: 'yes', told: [] });
});

const skipSignals = landlockVersion() < 6 ? 'the kernel does not keep signals' : false;

test('a confined child signals nobody but itself', { skip: skipSignals }, async () => {
  await using family = new Family();
  const { channel, process: child } = await family.fork(OPENER, [], {
    files: { read: programFiles(OPENER), write: ['/dev/null'] },
  });
  const signal = async (pid: number | undefined): Promise<unknown> => {
    const asked = channel.request({ head: { action: 'signal', path: String(pid) } });
    return (await watchdog(asked, 'an answer')).head;
  };
  assert.equal(await signal(process.pid), 'EPERM');
  assert.equal(await signal(child.pid), 'signalled');
});

test('a confined child knows how much memory its container has', { skip }, async t => {
  const limit = 512 * 1024 ** 2;
  const made = MemoryCgroup.create(limit);
  if (typeof made === 'string') return t.skip(made);
  await using cgroup = made;
  assert.deepEqual(JSON.parse(await cgroup.run(CONFINER)), [limit, limit]);
});
