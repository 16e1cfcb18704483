import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { FileFlags } from '../../../src/file/open/file-flags.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import type { AccessList } from '../../../src/memory/acl.ts';
import type { SharedChunk } from '../../../src/memory/shared-chunk.ts';
import { Folder } from '../../support/folder.ts';

test('flags decide what may be there and what may be written', async () => {
  using folder = new Folder();
  const there = folder.file('there');
  writeFileSync(there, 'old');
  const outcomes: [FileFlags, string | undefined, string | undefined][] = [
    // flags, on disk after an append to a file that was there, and to one that was not
    ['r', undefined, undefined],
    ['r+', 'old+', undefined],
    ['a', 'old+', '+'],
    ['a+', 'old+', '+'],
    ['w', '+', '+'],
    ['w+', '+', '+'],
    ['wx', undefined, '+'],
    ['wx+', undefined, '+'],
    ['ax', undefined, '+'],
    ['ax+', undefined, '+'],
  ];
  const outcome = async (path: string, flags: FileFlags) => {
    try {
      await using file = await openFile(path, flags);
      await file.append('+');
    } catch {
      return undefined;
    }
    return readFileSync(path, 'utf8');
  };
  for (const [flags, old, fresh] of outcomes) {
    writeFileSync(there, 'old');
    assert.equal(await outcome(there, flags), old, flags);
    assert.equal(await outcome(folder.file(`fresh-${flags}`), flags), fresh, flags);
  }
});

test("a new file is on disk after its first sync; a file that 'w' begins anew stays until then", async () => {
  using folder = new Folder();
  const path = folder.file('a');
  const file = await openFile(path, 'w');
  assert.equal(existsSync(path), false);
  await assert.rejects(openFile(path, 'wx'), { code: 'EEXIST' });
  await file.close();
  assert.equal(readFileSync(path, 'utf8'), '');
  writeFileSync(path, 'old');
  const again = await openFile(path, 'w');
  assert.equal(again.size, 0);
  assert.equal(readFileSync(path, 'utf8'), 'old');
  await again.close();
  assert.equal(readFileSync(path, 'utf8'), '');
});

test('all who open a path see the same content, and a new version on disk', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'one');
  symlinkSync('a', folder.file('link'));
  await using first = await openFile(path);
  writeFileSync(folder.file('b'), 'two!');
  renameSync(folder.file('b'), path);
  await using second = await openFile(folder.file('link'), 'r+');
  for (const file of [first, second]) {
    using content = await file.read(0, 10);
    assert.equal(content.toString(), 'two!');
  }
  await second.write(0, 'T');
  // What was written is not given up because somebody opens the file.
  await using third = await openFile(path);
  using content = await third.read(0, 10);
  assert.equal(content.toString(), 'Two!');
});

test('what cannot be opened is an error with a code', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('dir'));
  execFileSync('mkfifo', [folder.file('fifo')]);
  symlinkSync('loop', folder.file('loop'));
  symlinkSync('nowhere', folder.file('dangling'));
  writeFileSync(folder.file('a'), '');
  const wrong: [string, string, string][] = [
    [folder.file('missing'), 'r', 'ENOENT'],
    [folder.file('missing'), 'r+', 'ENOENT'],
    [folder.file('missing/a'), 'w', 'ENOENT'],
    [folder.file('a/b'), 'w', 'ENOTDIR'],
    [folder.file('a'), 'wx', 'EEXIST'],
    [folder.file('dir'), 'r', 'EISDIR'],
    [folder.file('dir'), 'r+', 'EISDIR'],
    [folder.file('dir'), 'w', 'EISDIR'],
    [folder.file('new/'), 'w', 'EISDIR'],
    [folder.file('fifo'), 'r', 'ERR_IOLITE_FILE'],
    [folder.file('fifo'), 'r+', 'ERR_IOLITE_FILE'],
    ['/dev/zero', 'r', 'ERR_IOLITE_FILE'],
    ['/dev/null', 'w', 'ERR_IOLITE_FILE'],
    [folder.file('loop'), 'r', 'ELOOP'],
    [folder.file('loop'), 'w', 'ELOOP'],
    [folder.file('dangling'), 'w', 'ENOENT'],
    [folder.file('x'.repeat(300)), 'w', 'ENAMETOOLONG'],
    [folder.file('a\0b'), 'r', 'ERR_IOLITE_ARGUMENT'],
    ['', 'r', 'ERR_IOLITE_ARGUMENT'],
    [7 as never, 'r', 'ERR_IOLITE_ARGUMENT'],
    [folder.file('a'), 'rw', 'ERR_IOLITE_ARGUMENT'],
  ];
  for (const [path, flags, code] of wrong)
    await assert.rejects(
      openFile(path, flags as FileFlags).then(file => file.close()),
      { code },
      `${path}, ${flags}`,
    );
  for (const options of [null, 7, { pool: {} }, { pool: null }, { cache: 'x' }])
    await assert.rejects(openFile(folder.file('a'), 'r', options as never), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('what may not be written is an error with a code', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'ours');
  chmodSync(path, 0o444);
  chmodSync(folder.path, 0o555);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    await assert.rejects(openFile(path, 'r+'), { code: 'EACCES' });
    await assert.rejects(
      openFile(folder.file('new'), 'w').then(file => file.close()),
      { code: 'EACCES' },
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  assert.equal(readFileSync(path, 'utf8'), 'ours');
});

test('a file whose size says nothing is read to its end', async () => {
  for (const path of ['/proc/self/status', '/proc/cpuinfo', '/sys/kernel/mm/transparent_hugepage/enabled']) {
    if (!existsSync(path)) continue;
    using cache = createFileCache({ budget: 1 << 20 });
    for (const options of [{}, { cache }]) {
      await using file = await openFile(path, 'r', options);
      assert.ok(file.size > 0, path);
      using whole = await file.read(0, file.size);
      using again = await file.read(0, file.size + 1);
      assert.equal(whole.length, file.size);
      assert.ok(whole.equals(again.toBuffer()));
      using part = await file.read(2, 3);
      assert.equal(part.toString(), whole.toString('latin1', 2, 5));
    }
  }
});

test('a file whose size says nothing is as it was when it was opened, or reloaded', async () => {
  // The name of this process, which it may change.
  const path = '/proc/self/comm';
  const before = readFileSync(path, 'latin1');
  await using file = await openFile(path);
  writeFileSync(path, 'another');
  using first = await file.read(0, 100);
  assert.equal(first.toString(), before);
  await file.reload();
  using second = await file.read(0, 100);
  assert.equal(second.toString(), 'another\n');
  writeFileSync(path, before.trim());
});

test('what each reads and writes lies in the pool that he opened the file with', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'on the disk');
  using open = createPool({ acl: 'everyone' });
  using closed = createPool({ acl: { uids: [4242] } });
  const aclsOf = (content: Aggregate): AccessList[] => {
    const acls = content.slices().map(({ lease }) => (lease.chunk as SharedChunk).acl);
    return acls.filter((acl, i) => acl !== acls[i - 1]);
  };
  await using first = await openFile(path, 'r+', { pool: open });
  await using second = await openFile(path, 'r+', { pool: closed });
  // The first keeps what it has read, in its own pool.
  for (const [file, pool] of [
    [first, open],
    [second, closed],
    [first, open],
  ] as const) {
    using read = await file.read(0, 11);
    assert.equal(read.toString(), 'on the disk');
    assert.deepEqual(aclsOf(read), [pool.chunks.acl]);
  }
  await first.append(' 1');
  await second.append(' 2');
  await second.append('2');
  await first.append(' 3');
  await second.truncate(20);
  using read = await first.read(0, 20);
  assert.equal(read.toString(), 'on the disk 1 22 3\0\0');
  assert.deepEqual(
    aclsOf(read),
    [open, closed, open].map(({ chunks }) => chunks.acl),
  );
  await second.replace('all');
  using all = await first.read(0, 3);
  assert.deepEqual(aclsOf(all), [closed.chunks.acl]);
  await first.sync();
  assert.equal(readFileSync(path, 'latin1'), 'all');
});

test('options that nobody knows are refused', async () => {
  using folder = new Folder();
  const options = { cach: undefined, pools: [] } as object;
  await assert.rejects(openFile(folder.file('a'), 'w', options), {
    code: 'ERR_IOLITE_ARGUMENT',
    message: "Cannot open file: 'pools' is unknown; there are cache, pool",
  });
  assert.equal(existsSync(folder.file('a')), false);
});
