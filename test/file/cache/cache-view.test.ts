import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { CacheView, LinkPolicy } from '../../../src/file/cache/cache-view.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { Onlooker, secret } from '../../support/onlooker.ts';
import { watchdog } from '../../support/watchdog.ts';
import { textOf } from '../support/caches-fixture.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** Names that begin with a dot are not admitted, nor what lies in `private/`. */
function policy(links: LinkPolicy) {
  return (path: string): LinkPolicy | undefined => (/\/\.|^\/private\//.test(path) ? undefined : links);
}

/** A site with files that are for others, in a cache. */
class Fixture implements AsyncDisposable {
  readonly folder = new Folder();
  readonly family = new Family();
  readonly cache = createFileCache({ budget: 16 * MiB, maxStale: HOUR_MS, govern: false });

  constructor() {
    for (const name of ['site/in', 'site/private', 'site/.dots', 'beside'])
      mkdirSync(this.folder.file(name), { recursive: true });
    for (const name of ['site/1', 'site/in/2', 'site/private/3', 'site/.env', 'site/.dots/4', 'beside/5'])
      writeFileSync(this.folder.file(name), secret(name));
  }

  view(links: LinkPolicy = 'inside', root = 'site'): CacheView {
    return this.cache.view({ root: this.folder.file(root), name: links, linksAt: policy(links) });
  }

  async onlooker(view: CacheView): Promise<Onlooker> {
    const child = await Onlooker.start(this.family);
    view.serve(child.channel);
    return child;
  }

  /** What the secret of a file is, or the code of the error. */
  async read(child: Onlooker, path: string): Promise<string> {
    const text = await child.read(path.startsWith('/') ? path : `${this.folder.path}/${path}`);
    return /<<(.*)>>/.exec(text)?.[1] ?? text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.family[Symbol.asyncDispose]();
    this.cache.close();
    this.folder[Symbol.dispose]();
  }
}

test('of a view only what it admits is to be had, however it is asked for', async () => {
  await using fixture = new Fixture();
  const child = await fixture.onlooker(fixture.view());
  assert.equal(await fixture.read(child, 'site/1'), 'site/1');
  assert.equal(await fixture.read(child, 'site/in/2'), 'site/in/2');
  for (const path of [
    'site/.env',
    'site/.dots/4',
    'site/private/3',
    'beside/5',
    'site/in/../.env',
    'site/in/../../beside/5',
    'site/in/../1',
    'site/./1',
    'site//.env',
    'site//private/3',
    'site/private//3',
    'site',
    'site/',
    'site-other/1',
    'site/none/../../beside/5',
    '/etc/passwd',
    '/proc/self/environ',
  ]) {
    assert.equal(await fixture.read(child, path), 'EACCES', path);
  }
  // What is not there is not there, where it might be.
  assert.equal(await fixture.read(child, 'site/none'), 'ENOENT');
});

test('what else the cache holds cannot be read in the memory that a view gives', async () => {
  await using fixture = new Fixture();
  const { cache, folder } = fixture;
  const all = ['site/1', 'site/.env', 'site/private/3', 'beside/5', 'site/in/2'];
  // Read before there was the view, and so lying together.
  for (const name of all) (await cache.read(folder.file(name))).release();
  const child = await fixture.onlooker(fixture.view());
  for (const name of ['site/1', 'site/in/2']) assert.equal(await fixture.read(child, name), name);
  // Read when it was there.
  for (const name of all) {
    cache.invalidate(folder.file(name));
    (await cache.read(folder.file(name))).release();
  }
  for (const name of ['site/1', 'site/in/2']) assert.equal(await fixture.read(child, name), name);
  assert.deepEqual(await child.sees(), ['site/1', 'site/in/2']);
});

test('links are followed as is wanted; where they lead only those may ask for who were told', async () => {
  for (const [links, inside, outside] of [
    ['inside', 'site/.dots/4', 'EACCES'],
    ['deny', 'EACCES', 'EACCES'],
    ['follow', 'site/.dots/4', 'beside/5'],
  ] as const) {
    await using fixture = new Fixture();
    const { folder } = fixture;
    symlinkSync('.dots', folder.file('site/shown'));
    symlinkSync('../beside', folder.file('site/away'));
    symlinkSync('site', folder.file('root'));
    const child = await fixture.onlooker(fixture.view(links, 'root'));
    assert.equal(await fixture.read(child, 'site/.dots/4'), 'EACCES', links);
    assert.equal(await fixture.read(child, 'beside/5'), 'EACCES', links);
    assert.equal(await fixture.read(child, 'root/1'), 'site/1', links);
    assert.equal(await fixture.read(child, 'root/shown/4'), inside, links);
    assert.equal(await fixture.read(child, 'root/away/5'), outside, links);
    assert.equal(await fixture.read(child, 'site/.env'), 'EACCES', links);
    assert.ok(!(await child.sees()).includes('site/.env'));
  }
});

test('where a link led that was removed nobody may ask for any more', async () => {
  await using fixture = new Fixture();
  const { folder, cache } = fixture;
  symlinkSync('.dots/4', folder.file('site/shown'));
  const child = await fixture.onlooker(fixture.view());
  assert.equal(await fixture.read(child, 'site/shown'), 'site/.dots/4');
  unlinkSync(folder.file('site/shown'));
  cache.invalidate(folder.file('site/shown'));
  // Another process has the first one's word in its index.
  const other = await fixture.onlooker(fixture.view());
  assert.equal(await fixture.read(other, 'site/.dots/4'), 'EACCES');
  const told = await fixture.onlooker(fixture.view());
  assert.equal(await fixture.read(told, 'site/shown'), 'ENOENT');
});

test('a root that is exchanged is another place; a large file is had in parts', async () => {
  await using fixture = new Fixture();
  const { folder, cache } = fixture;
  symlinkSync('site', folder.file('root'));
  using pair = new ChannelPair();
  using view = fixture.view('inside', 'root');
  view.serve(pair.near);
  using attached = await attachFileCache(pair.far);
  assert.equal(await textOf(attached, folder.file('root/1')), '<<site/1>>');
  writeFileSync(folder.file('beside/1'), 'new');
  symlinkSync('beside', folder.file('next'));
  renameSync(folder.file('next'), folder.file('root'));
  cache.invalidate(folder.file('root/1'));
  attached.invalidate(folder.file('root/1'));
  assert.equal(await textOf(attached, folder.file('root/1')), 'new');
  await assert.rejects(watchdog(attached.read(folder.file('site/in/2')), 'the refusal'), { code: 'EACCES' });
  writeFileSync(folder.file('beside/large'), Buffer.alloc(20 * MiB, 'x'));
  using part = await watchdog(
    attached.read(folder.file('root/large'), { start: 9 * MiB, end: 9 * MiB + 5 }),
    'a part',
  );
  assert.equal(part.toString(), 'xxxxx');
});

test('a view is made of a root, a name and a function, in a cache that is open', () => {
  const cache = createFileCache();
  const linksAt = (): LinkPolicy => 'inside';
  for (const wrong of [
    { root: '', name: '', linksAt },
    { root: '/', name: 1, linksAt },
    { root: '/', name: '', linksAt: 'inside' },
  ])
    assert.throws(() => cache.view(wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
  cache.close();
  assert.throws(() => cache.view({ root: '/', name: '', linksAt }), { code: 'ERR_IOLITE_CLOSED' });
});

test('a link that is admitted does not lead to what is withheld', async () => {
  await using fixture = new Fixture();
  const root = fixture.folder.file('site');
  symlinkSync('in/2', fixture.folder.file('site/shown'));
  symlinkSync('1', fixture.folder.file('site/also'));
  const withholds = (path: string): boolean => path.endsWith('/2');
  const view = fixture.cache.view({ root, name: 'withheld', linksAt: policy('inside'), withholds });
  const child = await fixture.onlooker(view);
  assert.equal(await fixture.read(child, 'site/shown'), 'EACCES');
  assert.equal(await fixture.read(child, 'site/also'), 'site/1');
  // It may come to lead there later.
  unlinkSync(fixture.folder.file('site/also'));
  symlinkSync('in/2', fixture.folder.file('site/also'));
  fixture.cache.invalidate(fixture.folder.file('site/also'));
  assert.equal(await fixture.read(await fixture.onlooker(view), 'site/also'), 'EACCES');
});

/** Proposed by domains that may not have all of them. */
const PATHS = ['site/1', 'site/private/2', 'beside/3', 'link/1', 'site/none', 'site/../beside/3'];

/** Which of the paths are admitted of those that are proposed. */
async function admitted(channel: Channel, folder: Folder): Promise<string[]> {
  const proposals = PATHS.map(path => [`${folder.path}/${path}`, 100, 1]);
  const asked = channel.request({ head: { type: 'files.propose', proposals } });
  const { head } = await watchdog(asked, 'an answer to proposals');
  return (head as { admitted: number[] }).admitted.map(place => PATHS[place] as string);
}

test('of what a domain may not have it is not told whether it would be kept, or is', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 4 * MiB, maxStale: HOUR_MS, govern: false });
  for (const name of ['site/private', 'beside']) mkdirSync(folder.file(name), { recursive: true });
  for (const name of ['site/1', 'site/private/2', 'beside/3']) {
    writeFileSync(folder.file(name), name);
    (await cache.read(folder.file(name))).release();
  }
  symlinkSync('site', folder.file('link'));
  const [site, beside] = [folder.file('site'), folder.file('beside')];
  using all = new ChannelPair();
  cache.serve(all.near);
  assert.deepEqual(await admitted(all.far, folder), PATHS);
  using confined = new ChannelPair();
  cache.serve(confined.near, { root: site });
  assert.deepEqual(await admitted(confined.far, folder), [
    'site/1',
    'site/private/2',
    'site/none',
    'site/../beside/3',
  ]);
  using both = new ChannelPair();
  cache.serve(both.near, { root: [site, beside] });
  assert.deepEqual(
    await admitted(both.far, folder),
    PATHS.filter(path => path !== 'link/1'),
  );
  using viewed = new ChannelPair();
  const linksAt = (path: string): 'inside' | undefined => (path.includes('private') ? undefined : 'inside');
  using view = cache.view({ root: site, name: 'some', linksAt });
  view.serve(viewed.near);
  assert.deepEqual(await admitted(viewed.far, folder), ['site/1', 'site/none']);
});
