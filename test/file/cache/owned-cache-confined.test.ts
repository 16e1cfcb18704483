import assert from 'node:assert/strict';
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import type { FileCacheOptions } from '../../../src/file/cache/owned-cache.ts';
import { watchdog } from '../../support/watchdog.ts';
import { CachesFixture, passed } from '../support/caches-fixture.ts';

const HOUR_MS = 3_600_000;

/** A site, and a directory beside it; an index that is confined to the site, or to what `root` names. */
class Fixture extends CachesFixture {
  constructor(options: Partial<FileCacheOptions>) {
    super(options);
    for (const name of ['site', 'private-place']) {
      mkdirSync(this.folder.file(`${name}/deep`), { recursive: true });
      for (const file of ['file', 'deep/file']) writeFileSync(this.folder.file(`${name}/${file}`), name);
    }
  }

  static async start(options: Partial<FileCacheOptions>, root = 'site'): Promise<Fixture> {
    const fixture = new Fixture(options);
    if (root !== 'site') symlinkSync('site', fixture.folder.file(root));
    return fixture.attach(root);
  }
}

test('who is confined to a directory is not told where links lead that leave it', async () => {
  using fixture = await Fixture.start({});
  const { folder, attached, owned } = fixture;
  for (const [name, target] of [
    ['file-link', '../private-place/file'],
    ['none-link', '../private-place/none'],
    ['lost-link', '../private-place/nowhere/none'],
    ['folder-link', '../private-place'],
    ['lost-folder', '../private-place/nowhere'],
    ['no-folder', '../private-place/file'],
    ['chain', 'file-link'],
  ] as const)
    symlinkSync(target, folder.file(`site/${name}`));
  // There and back again: the file may be read, what is on the way is nobody's business.
  symlinkSync(folder.file('site/file'), folder.file('private-place/back'));
  symlinkSync('../private-place/back', folder.file('site/around'));
  for (let round = 0; round < 2; round++) {
    for (const name of [
      'file-link',
      'none-link',
      'lost-link',
      'folder-link/file',
      'folder-link/none',
      'folder-link/nowhere/none',
      'lost-folder/file',
      'no-folder/file',
      'chain',
    ]) {
      await assert.rejects(attached.read(folder.file(`site/${name}`)), (error: Error & { code: string }) => {
        assert.ok(['EACCES', 'ENOENT', 'ENOTDIR'].includes(error.code), `${name}: ${error.code}`);
        assert.ok(!error.message.includes('private'), `${name}: ${error.message}`);
        assert.ok(error.message.includes(folder.file(`site/${name}`)), `${name}: ${error.message}`);
        return true;
      });
    }
    // What another, who is not confined, has found meanwhile changes nothing.
    for (const name of ['file-link', 'folder-link/file', 'chain'])
      (await owned.read(folder.file(`site/${name}`))).release();
  }
});

test('when the link of a root leads elsewhere, what it led to is outside', async () => {
  using fixture = await Fixture.start({ maxStale: 20 }, 'root');
  const { folder, attached } = fixture;
  (await attached.read(folder.file('root/file'))).release();
  symlinkSync('private-place', folder.file('new'));
  renameSync(folder.file('new'), folder.file('root'));
  await passed(30);
  await assert.rejects(attached.read(folder.file('site/deep/file')), { code: 'EACCES' });
  using content = await attached.read(folder.file('root/file'));
  assert.equal(content.toString(), 'private-place');
});

test('while a root has its directories and links exchanged, nothing outside is given', async () => {
  using fixture = await Fixture.start({ maxStale: 20 });
  const { folder, owned, attached } = fixture;
  let ended = false;
  let rounds = 0;
  const exchange = (async () => {
    const outside = folder.file('private-place');
    // Now and then for long enough that a file can be read.
    const wait = async (): Promise<void> => {
      for (let turns = rounds % 20; turns >= 0; turns--) await setImmediate();
    };
    for (; !ended; rounds++) {
      // A directory is a link, and a directory again; so is a file.
      renameSync(folder.file('site/deep'), folder.file('site/away'));
      symlinkSync(rounds % 2 === 0 ? `${outside}/deep` : '../private-place/deep', folder.file('site/deep'));
      symlinkSync(`${outside}/file`, folder.file('site/new'));
      renameSync(folder.file('site/new'), folder.file('site/file'));
      await wait();
      rmSync(folder.file('site/deep'));
      renameSync(folder.file('site/away'), folder.file('site/deep'));
      if (rounds % 3 === 0) linkSync(folder.file('site/deep/file'), folder.file('site/new'));
      else writeFileSync(folder.file('site/new'), 'site');
      renameSync(folder.file('site/new'), folder.file('site/file'));
      await wait();
    }
  })();
  const seen = new Set<string>();
  try {
    const patience = now() + 20_000;
    for (; (rounds < 100 || seen.size < 2) && now() < patience; await setImmediate()) {
      for (const name of ['file', 'deep/file', 'deep/../file']) {
        const path = `${folder.path}/site/${name}`;
        // Another, who is not confined, keeps what is there in the cache.
        await owned.read(path).then(
          content => content.release(),
          () => {},
        );
        try {
          using snapshot = await watchdog(attached.snapshot(path), 'a snapshot');
          assert.equal(snapshot.content?.toString(), 'site', name);
          seen.add('given');
        } catch (error) {
          const { code, message } = error as Error & { code: string };
          if (code === 'ERR_ASSERTION') throw error;
          assert.ok(!message.includes('private'), message);
          seen.add('refused');
        }
        using hit = attached.peek(path);
        if (hit !== undefined) assert.equal(hit.content?.toString(), 'site', name);
      }
    }
  } finally {
    ended = true;
    await exchange;
  }
  assert.ok(rounds > 10 && seen.size === 2, `${rounds} rounds: ${[...seen]}`);
});

test('a root is the directory that it leads to, not what its path begins with', async () => {
  using fixture = await Fixture.start({ maxStale: HOUR_MS });
  const { folder, attached } = fixture;
  mkdirSync(folder.file('site-other'));
  writeFileSync(folder.file('site-other/file'), 'other');
  for (const name of ['site-other/file', 'site/../private-place/file', 'site/../site-other/file'])
    await assert.rejects(attached.read(`${folder.path}/${name}`), { code: 'EACCES' }, name);
});
