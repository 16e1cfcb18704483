import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import type { FileCacheOptions } from '../../../src/file/cache/owned-cache.ts';
import { watchdog } from '../../support/watchdog.ts';
import { CachesFixture, passed, textOf, until } from '../support/caches-fixture.ts';

const HOUR_MS = 3_600_000;
/** More than inotify(7) keeps for a reader that does not read: fs.inotify.max_queued_events is 16384. */
const MANY_EVENTS = 40_000;

/** Two sites, a link to one of them, and caches. */
class Fixture extends CachesFixture {
  constructor(options: Partial<FileCacheOptions>) {
    super(options);
    for (const name of ['one', 'two']) {
      mkdirSync(this.folder.file(name));
      writeFileSync(this.folder.file(`${name}/file`), name);
    }
    symlinkSync('one', this.folder.file('current'));
  }

  static async start(options: Partial<FileCacheOptions>): Promise<Fixture> {
    const fixture = await new Fixture(options).attach();
    // What was changed a moment ago is looked at more often.
    await passed(60);
    return fixture;
  }

  /** A link leads elsewhere, at once. */
  relink(name: string, target: string): void {
    symlinkSync(target, this.folder.file(`${name}.new`));
    renameSync(this.folder.file(`${name}.new`), this.folder.file(name));
  }
}

test('with no time that a look is good for, each read goes along the links anew', async () => {
  using fixture = await Fixture.start({ maxStale: 0 });
  const path = fixture.folder.file('current/file');
  for (let round = 0; round < 4; round++) {
    const name = round % 2 === 0 ? 'one' : 'two';
    fixture.relink('current', name);
    for (const cache of [fixture.owned, fixture.attached]) assert.equal(await textOf(cache, path), name);
  }
});

test('after an invalidation the links on the way are looked at, whatever is told of them', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const path = fixture.folder.file('current/file');
  for (let round = 0; round < 6; round++) {
    const name = round % 2 === 0 ? 'one' : 'two';
    fixture.relink('current', name);
    const cache = round % 3 === 0 ? fixture.owned : fixture.attached;
    cache.invalidate(path);
    assert.equal(await textOf(cache, path), name);
  }
});

test('what is lost of too many events is seen within the bound of what is not told', async () => {
  using fixture = await Fixture.start({ maxStale: 20, maxUntold: 200 });
  const { folder, owned, attached } = fixture;
  const path = folder.file('current/file');
  const others = ['a', 'b'].map(name => folder.file(name));
  for (const other of others) writeFileSync(other, '');
  for (const cache of [owned, attached]) assert.equal(await textOf(cache, path), 'one');
  for (let i = 0; i < MANY_EVENTS; i++) utimesSync(others[i % 2] as string, 1, 1);
  fixture.relink('current', 'two');
  const changedAt = now();
  for (const cache of [owned, attached]) {
    for (;;) {
      const readAt = now();
      if ((await textOf(cache, path)) === 'two') break;
      assert.ok(readAt - changedAt <= 250, `the old site after ${readAt - changedAt} ms`);
      await setImmediate();
    }
  }
});

test('a directory that a path leaves by two dots is on its way', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const { folder, owned, attached } = fixture;
  mkdirSync(folder.file('one/deep'));
  mkdirSync(folder.file('two/deep'));
  const path = `${folder.path}/one/deep/../file`;
  for (const cache of [owned, attached]) assert.equal(await textOf(cache, path), 'one');
  renameSync(folder.file('one/deep'), folder.file('one/away'));
  symlinkSync('../two/deep', folder.file('one/deep'));
  for (const cache of [owned, attached])
    await watchdog(
      (async () => {
        while ((await textOf(cache, path)) !== 'two') await setImmediate();
      })(),
      'the file that the path leads to now',
    );
});

test('a way has another number when any link on it leads elsewhere', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const { folder, owned, attached } = fixture;
  symlinkSync('one/file', folder.file('last'));
  // A second name: so it is looked at more often than the others.
  linkSync(folder.file('one/file'), folder.file('again'));
  symlinkSync('last', folder.file('middle'));
  symlinkSync('middle', folder.file('first'));
  const path = folder.file('first');
  for (const cache of [owned, attached]) {
    const ways = new Map<number, string>();
    for (let round = 0; round < 6; round++) {
      const text = round % 2 === 0 ? 'one' : 'two';
      fixture.relink('last', `${text}/file`);
      for (const name of ['last', 'middle']) if (round > 2) cache.invalidate(folder.file(name));
      let found = '';
      const wait = async (): Promise<void> => {
        while (found !== text) {
          using snapshot = await cache.snapshot(path);
          found = snapshot.content?.toString() ?? '';
          assert.notEqual(snapshot.way, 0);
          assert.equal(ways.get(snapshot.way) ?? found, found, 'one way leads to one file');
          ways.set(snapshot.way, found);
          using hit = cache.peek(path);
          if (hit !== undefined) assert.equal(ways.get(hit.way) ?? text, hit.content?.toString());
          await setImmediate();
        }
      };
      await watchdog(wait(), `'${text}' through links`);
    }
  }
});

test('while links are exchanged a path leads to a file of them, and never through none', async () => {
  using fixture = await Fixture.start({ maxStale: 20 });
  const { folder, owned, attached } = fixture;
  symlinkSync('one/file', folder.file('link'));
  const ways = new Map<number, string>();
  let rounds = 0;
  let ended = false;
  const exchange = (async () => {
    for (; !ended; rounds++) {
      const name = rounds % 2 === 0 ? 'two' : 'one';
      fixture.relink('link', `${name}/file`);
      fixture.relink('current', name);
      await setImmediate();
    }
  })();
  try {
    for (const end = now() + 500; now() < end; ) {
      for (const cache of [owned, attached]) {
        for (const name of ['link', 'current/file']) {
          using snapshot = await watchdog(cache.snapshot(folder.file(name)), 'a snapshot');
          const text = snapshot.content?.toString() as string;
          assert.ok(['one', 'two'].includes(text));
          assert.equal(snapshot.realPath, folder.file(`${text}/file`));
          assert.notEqual(snapshot.way, 0, name);
          const known = ways.get(snapshot.way);
          assert.ok(known === undefined || known === text, 'one way leads to one file');
          ways.set(snapshot.way, text);
        }
      }
    }
  } finally {
    ended = true;
    await exchange;
  }
  assert.ok(rounds > 10);
  await until(() => owned.stats().entries > 0, 'something to be kept');
});

test('what is mounted over a directory is found, links in place of directories too', async t => {
  using fixture = await Fixture.start({ maxStale: 20, maxUntold: 100 });
  const { folder, owned, attached } = fixture;
  mkdirSync(folder.file('one/deep/er'), { recursive: true });
  mkdirSync(folder.file('two/deep'));
  writeFileSync(folder.file('one/deep/er/file'), 'under');
  symlinkSync('..', folder.file('two/deep/er'));
  const path = folder.file('current/deep/er/file');
  const untilText = (cache: FileCache, text: string): Promise<void> =>
    watchdog(
      (async () => {
        while ((await textOf(cache, path)) !== text) await setImmediate();
      })(),
      `'${text}'`,
    );
  for (const cache of [owned, attached]) await untilText(cache, 'under');
  const { status } = spawnSync('mount', ['--bind', folder.file('two'), folder.file('one')]);
  if (status !== 0) return t.skip('no right to mount');
  try {
    for (const cache of [owned, attached]) await untilText(cache, 'two');
  } finally {
    assert.equal(spawnSync('umount', [folder.file('one')]).status, 0);
  }
  for (const cache of [owned, attached]) await untilText(cache, 'under');
});
