import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { fileSystemKindOf } from '../../../src/file/watch/file-system.ts';
import type { Folder as WatchedFolder } from '../../../src/file/watch/folder.ts';
import { Folders } from '../../../src/file/watch/folders.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOUR_MS = 3_600_000;

/** Folders, and what they tell. */
class Fixture {
  readonly folder = new Folder();
  readonly happened = new Set<string>();
  readonly moved = new Set<string>();
  readonly redirected = new Set<string>();
  readonly folders: Folders;

  constructor(lives = { watched: HOUR_MS, unwatched: 0 }) {
    this.folders = new Folders(lives, {
      happened: ({ path }, event, name) => this.happened.add(`${event} ${path}${name}`),
      unwatched: () => {},
      moved: ({ path }) => this.moved.add(path),
      redirected: paths => {
        for (const path of paths) this.redirected.add(path);
      },
    });
  }

  directory(name: string): string {
    const path = this.folder.file(name);
    mkdirSync(path, { recursive: true });
    return `${path}/`;
  }

  async place(path: string): Promise<string> {
    return (await this.folders.find(path)).folder.path;
  }

  until(condition: () => boolean, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!condition()) await setImmediate();
    };
    return watchdog(wait(), what);
  }

  [Symbol.dispose](): void {
    this.folders.close();
    this.folder[Symbol.dispose]();
  }
}

test('a path leads where the kernel says', async () => {
  using fixture = new Fixture();
  const { folder } = fixture;
  const deep = fixture.directory('a/b/c');
  fixture.directory('other');
  symlinkSync('b/c', folder.file('a/relative'));
  symlinkSync(folder.file('a/b'), folder.file('other/absolute'));
  symlinkSync('../other/absolute/..', folder.file('a/around'));
  symlinkSync('loop', folder.file('loop'));
  writeFileSync(folder.file('file'), '');
  for (const [path, leads] of [
    ['a/b/c/', deep],
    ['a/relative/', deep],
    ['other/absolute/c/', deep],
    ['other/absolute/../relative/', deep],
    ['a/around/b/c/', deep],
    ['a//b/./c/', deep],
  ] as const)
    assert.equal(await fixture.place(folder.file('x').slice(0, -1) + path), leads, path);
  assert.equal(await fixture.place('/'), '/');
  for (const [path, code] of [
    ['none/', 'ENOENT'],
    ['file/', 'ENOTDIR'],
    ['loop/', 'ELOOP'],
    [`${'x'.repeat(300)}/`, 'ENAMETOOLONG'],
  ] as const)
    await assert.rejects(fixture.folders.find(`${folder.path}/${path}`), { code }, path);
});

test('what is covered is known until something is told', async t => {
  using fixture = new Fixture();
  const directory = fixture.directory('a/b');
  if ((await fileSystemKindOf(directory)) !== 'watchable') return t.skip('temporary files are elsewhere');
  const { folder } = await fixture.folders.find(directory);
  assert.equal(folder.isCovered, true);
  assert.equal(fixture.folders.peek(directory)?.folder, folder);
  assert.ok(fixture.folders.watches >= 3);
  writeFileSync(`${directory}file`, 'text');
  await fixture.until(() => fixture.happened.has(`rename ${directory}file`), 'word of a file');
  assert.equal(fixture.folders.peek(directory)?.folder, folder);
  renameSync(fixture.folder.file('a'), fixture.folder.file('b'));
  await fixture.until(() => fixture.moved.has(directory), 'word of a move');
  assert.deepEqual([folder.isAlive, folder.isCovered], [false, false]);
  assert.equal(fixture.folders.peek(directory), undefined);
  await assert.rejects(fixture.folders.find(directory), { code: 'ENOENT' });
});

test('who leads through a link is told when that leads elsewhere', async () => {
  using fixture = new Fixture({ watched: HOUR_MS, unwatched: HOUR_MS });
  fixture.directory('one');
  fixture.directory('two');
  const link = fixture.folder.file('link');
  symlinkSync('one', link);
  const { hops, folder } = await fixture.folders.find(`${link}/`);
  assert.equal(folder.path, `${fixture.folder.file('one')}/`);
  assert.deepEqual(
    hops.map(({ name }) => name),
    ['link'],
  );
  assert.equal(hops[0]?.folder.isCovered, folder.isCovered, 'changes of the link are told of, too');
  hops[0]?.folder.addLink('link', `${link}/file`);
  symlinkSync('two', fixture.folder.file('new'));
  renameSync(fixture.folder.file('new'), link);
  await fixture.until(() => fixture.redirected.has(`${link}/file`), 'word of another target');
  assert.equal(fixture.folders.peek(`${link}/`), undefined);
  assert.equal(await fixture.place(`${link}/`), `${fixture.folder.file('two')}/`);
});

test('folders that nobody needs are given up, with their watches', async () => {
  using fixture = new Fixture();
  let used: WatchedFolder | undefined;
  const directories = Array.from({ length: 1200 }, (_, i) => fixture.directory(`many/${i}`));
  for (const [i, directory] of directories.entries()) {
    const { folder } = await fixture.folders.find(directory);
    if (i === 5) used = folder;
    if (i === 5) folder.watched.keys.add('in use');
  }
  const known = [...fixture.folders.all()];
  assert.ok(known.length <= 1000, `${known.length} folders`);
  assert.ok(known.includes(used as WatchedFolder));
  assert.ok(fixture.folders.watches <= known.length);
  rmSync(fixture.folder.file('many'), { recursive: true });
  await fixture.until(() => used?.isAlive === false, 'word of their end');
  fixture.folders.close();
  assert.equal(fixture.folders.watches, 0);
});

test('folders with links in them are given up, too, after something was exchanged', async () => {
  using fixture = new Fixture();
  fixture.directory('site');
  fixture.directory('moving');
  for (let i = 0; i < 600; i++) {
    symlinkSync('../../site', `${fixture.directory(`many/${i}`)}link`);
    await fixture.folders.find(`${fixture.folder.file(`many/${i}/link`)}/`);
    if (i % 100 !== 50) continue;
    await fixture.folders.find(fixture.directory('moving'));
    renameSync(fixture.folder.file('moving'), fixture.folder.file(`moved-${i}`));
    await fixture.until(() => fixture.moved.has(`${fixture.folder.file('moving')}/`), 'word of a move');
    fixture.moved.clear();
  }
  const known = [...fixture.folders.all()].length;
  assert.ok(known <= 400, `${known} folders`);
});

test('a directory that became another one without a word is found out about', async () => {
  using fixture = new Fixture({ watched: HOUR_MS, unwatched: HOUR_MS });
  const directory = fixture.directory('a/b');
  await fixture.folders.find(directory);
  renameSync(fixture.folder.file('a'), fixture.folder.file('old'));
  fixture.directory('other/b');
  symlinkSync('other', fixture.folder.file('a'));
  // Before the loop has a turn: nothing is told yet.
  const { folder, hops } = await fixture.folders.find(directory, now());
  assert.equal(folder.path, `${fixture.folder.file('other/b')}/`);
  assert.equal(hops.length, 1);
});
