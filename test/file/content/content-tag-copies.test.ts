import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { contentTag } from '../../../src/file/content/content-tag.ts';
import { Folder } from '../../support/folder.ts';

const MIB = 1024 ** 2;
const TIME_SECONDS = 1_700_000_000;

async function tagOf(cache: FileCache, path: string): Promise<string> {
  using snapshot = await cache.snapshot(path);
  return snapshot.etag;
}

for (const [kept, size] of [
  ['whole', 100_000],
  ['by extents', 5 * MIB],
] as const) {
  test(`copies, other names and other modes have one tag (kept ${kept})`, async () => {
    using folder = new Folder();
    using one = createFileCache({ budget: 16 * MIB, maxStale: 0 });
    using other = createFileCache({ budget: 8 * MIB, maxStale: 0 });
    const [path, copy, link] = ['a.bin', 'copy.bin', 'link.bin'].map(name => folder.file(name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(path, Buffer.alloc(size, 'content '));
    copyFileSync(path, copy);
    for (const each of [path, copy]) utimesSync(each, TIME_SECONDS, TIME_SECONDS);
    const tag = await tagOf(one, path);
    assert.match(tag, /^"[\w-]{24}"$/);
    assert.equal(await tagOf(other, copy), tag);
    linkSync(path, link);
    chmodSync(path, 0o640);
    for (const each of [path, link]) assert.equal(await tagOf(one, each), tag);
    unlinkSync(path);
    renameSync(copy, path);
    assert.equal(await tagOf(one, path), tag);
    writeFileSync(path, Buffer.alloc(size, 'another '));
    assert.notEqual(await tagOf(one, path), tag);
  });
}

test('the tag of what is kept whole is that of its content, whatever its date says', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 16 * MIB, maxStale: 0 });
  const path = folder.file('a.js');
  for (const content of ['one', 'two', 'one']) {
    writeFileSync(path, content);
    utimesSync(path, 1, 1);
    assert.equal(await tagOf(cache, path), await contentTag([Buffer.from(content)]));
  }
  writeFileSync(path, Buffer.alloc(5 * MIB));
  utimesSync(path, 1, 1);
  assert.match(await tagOf(cache, path), /^W\//);
});
