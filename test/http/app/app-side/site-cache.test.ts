import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../../src/file/cache/owned-cache.ts';
import { SiteCache } from '../../../../src/http/app/app-side/site-cache.ts';
import { appViewOptions } from '../../../../src/http/server/app-view.ts';
import { ChannelPair } from '../../../support/channel-pair.ts';
import { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** A site's cache and its owner, which counts the requests that it gets. */
class Fixture implements Disposable {
  readonly folder = new Folder();
  readonly cache = createFileCache({ maxStale: 3_600_000, govern: false });
  readonly pair = new ChannelPair();
  readonly site: SiteCache;
  requests = 0;

  constructor() {
    mkdirSync(this.folder.file('site/a b'), { recursive: true });
    for (const name of ['page.html', 'a b/é.txt', '.env', '100%.txt', 'what?.txt'])
      writeFileSync(this.folder.file(`site/${name}`), name);
    writeFileSync(this.folder.file('secret'), 'secret');
    const root = this.folder.file('site');
    this.cache.view(appViewOptions({ root, site: {}, rules: [], strip: '' })).serve(this.pair.near);
    this.site = new SiteCache(this.pair.far, root);
  }

  async text(path: string): Promise<string> {
    using content = await watchdog(this.site.read(path), path);
    return content.toString();
  }

  [Symbol.dispose](): void {
    this.cache.close();
    this.pair[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

test('a path is one of a URL, below the root', async () => {
  using fixture = new Fixture();
  for (const path of ['/page.html', 'page.html', '//page.html', '/page.html?query', 'http://host/page.html'])
    assert.equal(await fixture.text(path), 'page.html', path);
  for (const path of ['/a%20b/%C3%A9.txt', '/a b/é.txt']) assert.equal(await fixture.text(path), 'a b/é.txt');
  assert.equal(await fixture.text('/100%25.txt'), '100%.txt');
  assert.equal(await fixture.text('/what%3f.txt'), 'what?.txt');
});

test('what could lead elsewhere is refused, however it is written', async () => {
  using fixture = new Fixture();
  symlinkSync('../secret', fixture.folder.file('site/link'));
  symlinkSync('.env', fixture.folder.file('site/shown'));
  for (const [path, code] of [
    ['../secret', 'EACCES'],
    ['/../secret', 'EACCES'],
    ['/a b/../../secret', 'EACCES'],
    ['/%2e%2e/secret', 'EACCES'],
    ['/..%2fsecret', 'EACCES'],
    ['/%2e%2e%2fsecret', 'EACCES'],
    ['/..%5csecret', 'EACCES'],
    ['..\\secret', 'EACCES'],
    ['/a%00', 'EACCES'],
    ['/a\0', 'EACCES'],
    ['/%', 'EACCES'],
    ['/#', 'EACCES'],
    ['/.env', 'EACCES'],
    ['/%2eenv', 'EACCES'],
    ['/link', 'EACCES'],
    ['/%252e%252e/secret', 'ENOENT'],
    [fixture.folder.file('secret'), 'ENOENT'],
    ['/none', 'ENOENT'],
    ['/', 'EISDIR'],
    ['', 'EISDIR'],
    ['/a%20b', 'EISDIR'],
    ['/a%20b/', 'EISDIR'],
    [`/${'a'.repeat(300)}`, 'ENOENT'],
    [`/${'a/'.repeat(3000)}`, 'ENAMETOOLONG'],
    ['/\ud800', 'ERR_IOLITE_ARGUMENT'],
    [7 as never, 'ERR_IOLITE_ARGUMENT'],
  ] as const) {
    await assert.rejects(watchdog(fixture.site.read(path), 'a refusal'), { code }, String(path));
    await assert.rejects(watchdog(fixture.site.snapshot(path), 'a refusal'), { code }, String(path));
  }
  assert.equal(await fixture.text('/shown'), '.env');
});

test('it is attached at the first use, and a hit costs no message', async () => {
  using fixture = new Fixture();
  const { site, cache } = fixture;
  assert.deepEqual(site.stats().misses, 0);
  assert.equal(cache.stats().attached, 1);
  await fixture.text('/page.html');
  const { misses } = site.stats();
  assert.equal(misses, 1);
  for (let i = 0; i < 10; i++) await fixture.text('/page.html');
  assert.equal(site.stats().misses, misses);
  assert.equal(site.stats().hits, 10);
});

test('without files there is nothing to be read, and nobody is asked', async () => {
  using pair = new ChannelPair();
  const site = new SiteCache(pair.far, undefined);
  await assert.rejects(site.read('/page.html'), { code: 'ERR_IOLITE_UNSUPPORTED' });
  assert.equal(site.stats().entries, 0);
});

test('where the server serves none after all it is tried again', async () => {
  using fixture = new Fixture();
  using pair = new ChannelPair();
  pair.near.onRequest(() => {
    throw Object.assign(new Error('none'), { code: 'ERR_IOLITE_UNSUPPORTED' });
  });
  const site = new SiteCache(pair.far, fixture.folder.file('site'));
  await assert.rejects(watchdog(site.read('/page.html'), 'a refusal'));
  fixture.cache.serve(pair.near);
  using content = await watchdog(site.read('/page.html'), 'the page');
  assert.equal(content.toString(), 'page.html');
});
