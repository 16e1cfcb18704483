import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { Folder } from '../../support/folder.ts';

const BUDGET_BYTES = 1024 ** 2;

test('a file is found by whatever way its path is written, and is there once', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: BUDGET_BYTES });
  mkdirSync(folder.file('a/b'), { recursive: true });
  writeFileSync(folder.file('a/b/file'), 'text');
  symlinkSync('b', folder.file('a/link'));
  symlinkSync('../a/link/file', folder.file('a/other'));
  symlinkSync('other', folder.file('a/chain'));
  const before = process.cwd();
  process.chdir(folder.path);
  const paths = [
    folder.file('a/b/file'),
    `${folder.path}/a//b/./file`,
    `${folder.path}/a/link/../b/file`,
    `${folder.path}/a/link/file`,
    `${folder.path}/a/other`,
    `${folder.path}/a/chain`,
    'a/b/file',
    './a/chain',
  ];
  const places = new Set<string>();
  for (let round = 0; round < 3; round++) {
    for (const path of paths) {
      using snapshot = await cache.snapshot(path);
      assert.equal(snapshot.content?.toString(), 'text', path);
      assert.equal(snapshot.realPath, folder.file('a/b/file'));
      places.add(JSON.stringify(snapshot.content?.slices().map(({ id }) => id)));
    }
  }
  assert.equal(places.size, 1);
  process.chdir(before);
});

test('what names a directory, or goes through a file, is told of as the kernel does', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: BUDGET_BYTES });
  mkdirSync(folder.file('dir'));
  writeFileSync(folder.file('file'), 'text');
  symlinkSync('dir/..', folder.file('up'));
  for (const [name, code] of [
    ['dir', 'EISDIR'],
    ['dir/', 'EISDIR'],
    ['dir/.', 'EISDIR'],
    ['dir/..', 'EISDIR'],
    ['up', 'EISDIR'],
    ['file/', 'ENOTDIR'],
    ['file/x', 'ENOTDIR'],
    ['none/x', 'ENOENT'],
  ] as const)
    await assert.rejects(cache.read(`${folder.path}/${name}`), { code }, name);
  assert.equal(cache.stats().entries, 0);
});

test('a file that is not there is found once it is, and one that goes is gone', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: BUDGET_BYTES, maxStale: 0 });
  for (let round = 0; round < 3; round++) {
    await assert.rejects(cache.read(folder.file(`dir${round}/file`)), { code: 'ENOENT' });
    mkdirSync(folder.file(`dir${round}`));
    await assert.rejects(cache.read(folder.file(`dir${round}/file`)), { code: 'ENOENT' });
    writeFileSync(folder.file(`dir${round}/file`), 'text');
    using content = await cache.read(folder.file(`dir${round}/file`));
    assert.equal(content.toString(), 'text');
  }
});
