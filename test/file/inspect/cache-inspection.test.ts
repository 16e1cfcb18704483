import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { CacheInspection } from '../../../src/file/inspect/cache-inspection.ts';
import { FILE_ORDERS, type FilePlace } from '../../../src/file/inspect/file-order.ts';
import { Folder } from '../../support/folder.ts';

test('every file is listed once, in each order, page by page', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * 1024 ** 2 });
  const inspection = new CacheInspection(cache);
  const names = Array.from({ length: 23 }, (_, i) => folder.file(`${i % 2 === 0 ? 'Even' : 'odd'}-${i}.txt`));
  // Before there is a watch, which would tell of it.
  for (const [i, name] of names.entries()) writeFileSync(name, 'x'.repeat(1 + (i % 5)));
  for (const [i, name] of names.entries()) {
    // Those behind are used more often, and two of each count.
    for (let uses = 0; uses <= i >> 1; uses++) (await cache.read(name)).release();
  }
  for (const order of FILE_ORDERS) {
    const listed: string[] = [];
    let after: FilePlace | undefined;
    do {
      const page = await inspection.files({ search: '', order, count: 5, after });
      assert.equal(page.matches, names.length);
      listed.push(...page.files.map(({ path }) => path));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual([...listed].sort(), [...names].sort(), order);
    if (order === 'path') assert.deepEqual(listed, [...names].sort());
    if (order === 'uses') assert.equal(listed[0], names[22]);
    if (order === 'size') assert.match(listed[0] ?? '', /-(4|9|14|19)\.txt$/);
    if (order === 'newest') assert.deepEqual(listed, [...names].reverse());
  }
  const even = await inspection.files({ search: 'EVEN', order: 'path', count: 5, after: undefined });
  assert.equal(even.matches, 12);
});

test('a file shows its content and forms, where they lie, and who uses it', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * 1024 ** 2 });
  const inspection = new CacheInspection(cache);
  const path = folder.file('page.html');
  writeFileSync(path, 'a page '.repeat(1000));
  const coded = brotliCompressSync('a page '.repeat(1000));
  writeFileSync(`${path}.br`, coded);
  assert.equal(inspection.file(path), undefined);
  using snapshot = await cache.snapshot(path);
  (await cache.read(path)).release();
  const file = inspection.file(path);
  assert.ok(file !== undefined);
  assert.deepEqual(
    file.versions.map(({ coding, size }) => [coding, size]),
    [
      ['identity', 7000],
      ['br', coded.length],
    ],
  );
  assert.equal(file.versions[0]?.etag, snapshot.etag);
  assert.equal(file.versions[1]?.etag, snapshot.encoded('br')?.etag);
  assert.ok(file.ownUsers >= 1 && file.uses >= 1 && file.kept === 7000 + coded.length);
  const chunks = inspection.chunks();
  const inodes = new Set(file.versions.flatMap(each => each.inodes));
  assert.ok(chunks.some(({ inode, live }) => inodes.has(inode) && live >= file.kept));
  assert.equal(
    chunks.reduce((sum, { live }) => sum + live, 0),
    cache.stats().live,
  );
});

test('a version that has left is shown, and how many hold it still', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * 1024 ** 2 });
  const inspection = new CacheInspection(cache);
  const path = folder.file('a.txt');
  writeFileSync(path, 'first');
  using first = await cache.snapshot(path);
  cache.invalidate(path);
  writeFileSync(path, 'second!');
  (await cache.read(path)).release();
  const { left = [] } = inspection.file(path) ?? {};
  assert.deepEqual(
    left.map(({ etag, size, holders }) => [etag, size, holders]),
    [[first.etag, 5, 1]],
  );
});
