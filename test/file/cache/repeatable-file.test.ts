import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { PathMemo } from '../../../src/file/cache/file-cache.ts';
import { createFileCache, type OwnedFileCache, storeOf } from '../../../src/file/cache/owned-cache.ts';
import { Folder } from '../../support/folder.ts';

const HOUR_MS = 3_600_000;

/** What a cache remembers of a path, once that has been read. */
async function memoOf(cache: OwnedFileCache, path: string): Promise<PathMemo> {
  const memo: PathMemo = { entry: undefined };
  (await cache.snapshot(path)).release();
  cache.peek(path, undefined, memo)?.release();
  return memo;
}

test('a file is repeated, each time as a hit, until it is another', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'first');
  using cache = createFileCache({ budget: 1 << 24, maxStale: HOUR_MS });
  assert.equal(cache.repeatable({ entry: undefined }), undefined);
  const memo = await memoOf(cache, path);
  const repeatable = cache.repeatable(memo);
  const { hits } = cache.stats();
  for (let times = 1; times <= 3; times++) {
    assert.equal(repeatable?.mayRepeat(), true);
    assert.equal(cache.stats().hits, hits + times);
  }
  const { slice } = storeOf(cache).get(path)?.held ?? {};
  assert.notEqual(slice, undefined);
  assert.equal(repeatable?.slice, slice);
  // Another cache knows nothing of it.
  using other = createFileCache({ budget: 1 << 24 });
  await memoOf(other, path);
  assert.equal(other.repeatable(memo), undefined);

  cache.invalidate(path);
  assert.equal(repeatable?.mayRepeat(), false);
  assert.equal(cache.repeatable(memo), undefined);
  await memoOf(cache, path);
  assert.equal(repeatable?.mayRepeat(), false);
});

test('what has another place, or another form, is not repeated from where it was', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'content');
  using cache = createFileCache({ budget: 1 << 24, maxStale: HOUR_MS });
  const memo = await memoOf(cache, path);
  const repeatable = cache.repeatable(memo);
  assert.equal(repeatable?.mayRepeat(), true);
  const store = storeOf(cache);
  const entry = store.get(path);
  assert.ok(entry !== undefined && store.withdraw(entry));
  assert.equal(repeatable?.mayRepeat(), false);
  assert.equal(cache.repeatable(memo)?.mayRepeat(), true);
  const last = cache.repeatable(memo);
  cache.close();
  assert.equal(last?.mayRepeat(), false);
  assert.equal(cache.repeatable(memo), undefined);
});

test('what is to be looked at again is not repeated, and is no hit then', async () => {
  using folder = new Folder();
  const path = folder.file('a');
  writeFileSync(path, 'content');
  using cache = createFileCache({ budget: 1 << 24, maxStale: HOUR_MS });
  const repeatable = cache.repeatable(await memoOf(cache, path));
  assert.equal(repeatable?.mayRepeat(), true);
  const local = storeOf(cache).get(path)?.local;
  assert.ok(local !== undefined);
  // As when its directory was moved.
  local.checkedAt = 0;
  const { hits } = cache.stats();
  assert.equal(repeatable?.mayRepeat(), false);
  assert.equal(cache.stats().hits, hits);
  assert.equal(cache.repeatable(await memoOf(cache, path))?.mayRepeat(), true);

  using always = createFileCache({ budget: 1 << 24, maxStale: 0 });
  assert.notEqual(always.repeatable(await memoOf(always, path))?.mayRepeat(), true);
});

test('what leads elsewhere, and what is in extents, is not repeated', async () => {
  using folder = new Folder();
  const target = folder.file('target');
  writeFileSync(target, 'content');
  symlinkSync(target, folder.file('link'));
  writeFileSync(folder.file('large'), Buffer.alloc(3 << 20));
  using cache = createFileCache({ budget: 1 << 23, maxStale: HOUR_MS });
  for (const name of ['link', 'large'])
    assert.equal(cache.repeatable(await memoOf(cache, folder.file(name))), undefined, name);
  assert.notEqual(cache.repeatable(await memoOf(cache, target)), undefined);
});
