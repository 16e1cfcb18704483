import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { now } from '../../../src/base/clock.ts';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache, type FileCacheOptions } from '../../../src/file/cache/owned-cache.ts';
import { map } from '../../../src/os/mapping/mapping.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { isRoot, NOBODY, PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { CachesFixture, passed, textOf, until } from '../support/caches-fixture.ts';

const BUDGET_BYTES = 4 * 1024 ** 2;
const HOUR_MS = 3_600_000;

/** Caches, and files that change. */
class Fixture extends CachesFixture {
  static start(options: Partial<FileCacheOptions> = {}): Promise<Fixture> {
    return new Fixture(options).attach();
  }

  write(name: string, text: string): string {
    writeFileSync(this.folder.file(name), text);
    return this.folder.file(name);
  }

  /** As editors and deployments do. */
  replace(name: string, text: string): void {
    renameSync(this.write(`${name}.new`, text), this.folder.file(name));
  }
}

/** Reads a file until a text comes. */
async function untilText(cache: FileCache, path: string, text: string): Promise<void> {
  const wait = async (): Promise<void> => {
    while ((await textOf(cache, path)) !== text) await setImmediate();
  };
  await watchdog(wait(), `'${text}' in ${path}`);
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

test('a hit in an attached domain asks nobody, however long ago the file was read', async () => {
  using fixture = await Fixture.start({ maxStale: 20 });
  const { attached } = fixture;
  const paths = Array.from({ length: 300 }, (_, i) => fixture.write(`${i}.bin`, `file ${i}`));
  await passed(60);
  for (const path of paths) await untilKept(attached, path);
  const before = attached.stats();
  for (let round = 0; round < 5; round++) {
    await passed(30);
    for (const [i, path] of paths.entries()) assert.equal(await textOf(attached, path), `file ${i}`);
  }
  const after = attached.stats();
  assert.equal(after.misses - before.misses, 0);
  assert.equal(after.hits - before.hits, 5 * paths.length);
});

test('what no watch tells of is looked at in the background, and never used beyond the bound', async () => {
  using fixture = await Fixture.start({ maxStale: 50 });
  const { owned, attached, folder } = fixture;
  const path = fixture.write('a', 'version 0');
  mkdirSync(folder.file('elsewhere'));
  // Changes through the other name are told of to nobody who watches this one.
  linkSync(path, folder.file('elsewhere/b'));
  await passed(60);
  for (let version = 1; version <= 10; version++) {
    for (const cache of [owned, attached]) await textOf(cache, path);
    writeFileSync(folder.file('elsewhere/b'), `version ${version}`);
    const changedAt = now();
    for (const cache of [owned, attached]) {
      for (;;) {
        const readAt = now();
        using hit = cache.peek(path);
        const text = hit?.content?.toString() ?? (await textOf(cache, path));
        if (text === `version ${version}`) break;
        assert.ok(readAt - changedAt <= 50, `an old version ${readAt - changedAt} ms after it was changed`);
        await setImmediate();
      }
    }
  }
});

test('what no watch tells of and does not change is confirmed before anybody has to ask', async () => {
  // Long beside what a machine with much else to do keeps a process waiting.
  using fixture = await Fixture.start({ maxStale: 200 });
  const { attached, folder } = fixture;
  const path = fixture.write('a', 'in use');
  mkdirSync(folder.file('elsewhere'));
  linkSync(path, folder.file('elsewhere/b'));
  await passed(60);
  await textOf(attached, path);
  await untilKept(attached, path);
  let asked = 0;
  const { misses } = attached.stats();
  // Six times, if only who asks confirmed it.
  for (const end = now() + 1200; now() < end; await setImmediate()) {
    using hit = attached.peek(path);
    if (hit === undefined) {
      asked += 1;
      await textOf(attached, path);
    }
  }
  assert.ok(asked <= 3, `asked ${asked} times`);
  assert.ok(attached.stats().misses - misses <= 3);
});

test('what even a watch does not tell of is seen within the other bound', async () => {
  using fixture = await Fixture.start({ maxStale: 20, maxUntold: 100 });
  const path = fixture.write('a', 'before');
  await passed(60);
  await untilKept(fixture.attached, path);
  const descriptor = openSync(path, 'r+');
  const { bytes } = map(descriptor, 6, 'read-write', false);
  closeSync(descriptor);
  bytes.write('AFTER!');
  await untilText(fixture.attached, path, 'AFTER!');
});

test('a directory that is exchanged is another one with all that is in it, however far above', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const { folder, owned, attached } = fixture;
  for (const name of ['one/deep/er', 'two/deep/er']) mkdirSync(folder.file(name), { recursive: true });
  for (const name of ['one', 'two']) fixture.write(`${name}/deep/er/file`, name);
  renameSync(folder.file('one'), folder.file('site'));
  const path = folder.file('site/deep/er/file');
  await passed(60);
  for (let round = 0; round < 6; round++) {
    const [present, next] = round % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
    for (const cache of [owned, attached]) await untilText(cache, path, present as string);
    renameSync(folder.file('site'), folder.file(`${present}`));
    renameSync(folder.file(next as string), folder.file('site'));
  }
  rmSync(folder.file('site'), { recursive: true });
  for (const cache of [owned, attached]) {
    await until(() => {
      using hit = cache.peek(path);
      return hit === undefined;
    }, 'the file to be gone');
    await assert.rejects(cache.read(path), { code: 'ENOENT' });
  }
});

test('a path through links leads where they lead now', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const { folder, owned, attached } = fixture;
  for (const name of ['one', 'two']) {
    mkdirSync(folder.file(name));
    fixture.write(`${name}/file`, name);
    symlinkSync('file', folder.file(`${name}/alias`));
  }
  const point = (name: string): void => {
    symlinkSync(name, folder.file('next'));
    renameSync(folder.file('next'), folder.file('current'));
  };
  point('one');
  await passed(60);
  for (const [index, name] of ['one', 'two', 'one', 'two'].entries()) {
    if (index > 0) point(name);
    for (const cache of [owned, attached])
      for (const path of ['current/file', 'current/alias']) await untilText(cache, folder.file(path), name);
  }
  // All of these are two files, each in memory once.
  using direct = await attached.snapshot(folder.file('two/file'));
  using linked = await attached.snapshot(folder.file('current/alias'));
  assert.deepEqual(linked.content?.slices()[0]?.id, direct.content?.slices()[0]?.id);
  assert.equal(linked.realPath, direct.realPath);
  assert.deepEqual([direct.way, linked.way !== 0], [0, true]);
  // In use, they cost no more messages than others.
  const { misses } = attached.stats();
  for (let i = 0; i < 10; i++) assert.equal(await textOf(attached, folder.file('current/file')), 'two');
  assert.equal(attached.stats().misses, misses);
  unlinkSync(folder.file('current'));
  for (const cache of [owned, attached]) {
    await until(() => {
      using hit = cache.peek(folder.file('current/file'));
      return hit === undefined;
    }, 'the link to be gone');
    await assert.rejects(cache.read(folder.file('current/file')), { code: 'ENOENT' });
  }
});

test('an index is confined to where a root leads, also when that is exchanged', async () => {
  using folder = new Folder();
  using owned = createFileCache({ budget: BUDGET_BYTES });
  using pair = new ChannelPair();
  for (const name of ['one', 'two']) {
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(`${name}/file`), name);
  }
  symlinkSync('one', folder.file('root'));
  owned.serve(pair.near, { root: folder.file('root') });
  using attached = await attachFileCache(pair.far);
  assert.equal(await textOf(attached, folder.file('root/file')), 'one');
  await assert.rejects(attached.read(folder.file('two/file')), { code: 'EACCES' });
  symlinkSync('two', folder.file('next'));
  renameSync(folder.file('next'), folder.file('root'));
  await untilText(attached, folder.file('root/file'), 'two');
  assert.equal(await textOf(attached, folder.file('two/file')), 'two');
});

test('without watches left, changes are seen within the bound all the same', async t => {
  if (!isRoot) return t.skip('another user is needed, whose watches can be used up');
  using program = new PublicProgram(new URL('../children/no-watches.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program.path, program.folder], {
    ...NOBODY,
    cwd: program.folder,
  });
  const { watched, changes, late, misses } = JSON.parse(stdout);
  assert.equal(watched, 0);
  assert.deepEqual({ changes, late }, { changes: 5, late: 0 });
  assert.ok(misses <= 3, `${misses} questions`);
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

test('a cache is closed while it looks at files of several directories', async () => {
  using folder = new Folder();
  const paths: string[] = [];
  for (const name of ['a', 'b']) {
    mkdirSync(folder.file(name));
    for (let i = 0; i < 70; i++) paths.push(folder.file(`${name}/${i}`));
  }
  for (const path of paths) writeFileSync(path, 'text');
  await passed(60);
  for (let round = 0; round < 20; round++) {
    using cache = createFileCache({ budget: BUDGET_BYTES, maxStale: 20, maxUntold: 20 });
    for (const path of paths) (await cache.read(path)).release();
    // Looks take several turns of the loop each.
    await passed(10 + round / 2);
    await setImmediate();
  }
  await passed(20);
});
