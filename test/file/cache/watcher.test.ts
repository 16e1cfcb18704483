import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { Watcher } from '../../../src/file/cache/watcher.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

async function until(condition: () => boolean, what: string): Promise<void> {
  const wait = async (): Promise<void> => {
    while (!condition()) await setImmediate();
  };
  await watchdog(wait(), what);
}

/** Reads a file until it is kept: not before what was heard of its last change is over. */
async function untilKept(cache: FileCache, path: string): Promise<void> {
  const wait = async (): Promise<void> => {
    for (;;) {
      (await cache.read(path)).release();
      using hit = cache.peek(path);
      if (hit !== undefined) return;
    }
  };
  await watchdog(wait(), 'the file to be kept');
}

test('changes to files of a directory are told of, under the names they were added by', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('real'));
  writeFileSync(folder.file('real/a'), 'a');
  symlinkSync('real', folder.file('linked'));
  symlinkSync('real/a', folder.file('link'));
  const changed = new Set<string>();
  const watcher = new Watcher(
    path => changed.add(path),
    () => true,
  );
  watcher.add(folder.file('linked/a'), folder.file('real/a'));
  watcher.add(folder.file('link'), folder.file('real/a'));
  writeFileSync(folder.file('real/a'), 'b');
  await until(() => changed.has(folder.file('real/a')) && changed.has(folder.file('linked/a')), 'a change');
  assert.deepEqual(
    [...watcher.namesOf(folder.file('real/a'))].sort(),
    ['link', 'linked/a', 'real/a'].map(name => folder.file(name)),
  );
  watcher.close();
  assert.equal(watcher.directories, 0);
});

test('a directory that cannot be watched is no error', () => {
  const watcher = new Watcher(
    () => {},
    () => true,
  );
  watcher.add('/does/not/exist', '/does/not/exist');
  assert.equal(watcher.directories, 0);
  watcher.close();
});

test('paths that are of no use any more are forgotten, also of one file', () => {
  const watcher = new Watcher(
    () => {},
    path => path.endsWith('/kept'),
  );
  watcher.add('/does/not/exist/kept', '/does/not/exist/file');
  for (let i = 0; i < 3000; i++) watcher.add(`/does/not/exist/${i}`, '/does/not/exist/file');
  const names = watcher.namesOf('/does/not/exist/file');
  assert.ok(names.includes('/does/not/exist/kept'));
  assert.ok(names.includes('/does/not/exist/2999'));
  assert.ok(names.length <= 1002, `${names.length} names`);
  watcher.close();
});

test('a change reaches attached domains long before maxStale is over', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using owned = createFileCache({ budget: 1024 ** 2, maxStale: 3_600_000 });
  owned.serve(pair.near);
  using cache = await attachFileCache(pair.far);
  const path = folder.file('a');
  for (const change of ['rewritten', 'replaced', 'rewritten again']) {
    writeFileSync(path, `before it is ${change}`);
    cache.invalidate(path);
    await untilKept(cache, path);
    if (change === 'replaced') {
      writeFileSync(folder.file('new'), change);
      renameSync(folder.file('new'), path);
    } else {
      writeFileSync(path, change);
    }
    await until(() => {
      using hit = cache.peek(path);
      return hit === undefined;
    }, 'the change to be heard of');
    using content = await cache.read(path);
    assert.equal(content.toString(), change);
  }
});

test('an index that attaches through the same channel takes the place of the one before', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using owned = createFileCache({ budget: 1024 ** 2 });
  owned.serve(pair.near);
  writeFileSync(folder.file('a'), 'content');
  using first = await attachFileCache(pair.far);
  (await first.read(folder.file('a'))).release();
  const detached = new Promise<void>(resolve => first.once('detached', () => resolve()));
  using second = await attachFileCache(pair.far);
  await watchdog(detached, 'the first to be detached');
  using content = await second.read(folder.file('a'));
  assert.equal(content.toString(), 'content');
  using still = await first.read(folder.file('a'));
  assert.equal(still.toString(), 'content');
  assert.deepEqual([first.stats().attached, second.stats().attached], [false, true]);
});
