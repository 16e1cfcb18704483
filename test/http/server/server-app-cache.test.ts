import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { type CreateServerOptions, createServer, type Server } from '../../../src/http/server/server.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const module = new URL('../app/children/cache-application.ts', import.meta.url);
const SIZE = 8_000_000;

/** A site, what lies beside it, and a server with an application that reads it. */
class Fixture implements AsyncDisposable {
  readonly folder: Folder;
  readonly cache = createFileCache({ govern: false, maxStale: 3_600_000 });
  readonly server: Server;

  private constructor(folder: Folder, server: (fixture: Folder) => CreateServerOptions) {
    this.folder = folder;
    this.server = createServer({ cache: this.cache, app: { module }, ...server(folder) });
  }

  static async start(options: Partial<CreateServerOptions> = {}): Promise<Fixture> {
    const folder = new Folder();
    mkdirSync(folder.file('site/private'), { recursive: true });
    writeFileSync(folder.file('site/large.bin'), Buffer.alloc(SIZE, 'large '));
    for (const name of ['site/page.html', 'site/.env', 'site/private/page.html', 'secret'])
      writeFileSync(folder.file(name), name);
    symlinkSync('../secret', folder.file('site/out'));
    const fixture = new Fixture(folder, () => ({ root: folder.file('site'), ...options }));
    await watchdog(fixture.server.listen(0, '127.0.0.1'), 'the server to listen', 40_000);
    return fixture;
  }

  async ask(what: string, path = ''): Promise<string> {
    const target = `${what}?${encodeURIComponent(path)}`;
    const url = `http://127.0.0.1:${this.server.address()?.port}/${target}`;
    const response = await watchdog(fetch(url), target);
    return response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    this.cache.close();
    this.folder[Symbol.dispose]();
  }
}

/** The files in memory that a process maps: how many bytes of each, by inode. */
function memoryOf(pid: number | string): Map<string, number> {
  const mapped = new Map<string, number>();
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, start, end, inode = ''] = /^(\w+)-(\w+) \S+ \S+ \S+ (\d+) +\/memfd:iolite:/.exec(line) ?? [];
    if (start !== undefined)
      mapped.set(inode, (mapped.get(inode) ?? 0) + Number(`0x${end}`) - Number(`0x${start}`));
  }
  return mapped;
}

test('a file that an application sends is the one copy that the server has', async () => {
  await using fixture = await Fixture.start();
  const { cache, folder } = fixture;
  using whole = await cache.read(folder.file('site/large.bin'));
  const { bytes } = cache.stats();
  assert.equal((await fixture.ask('read', '/large.bin')).length, SIZE);
  // Nothing was read from the disk again: the bytes are in the same buffers.
  assert.equal(cache.stats().bytes, bytes);
  const ids = JSON.parse(await fixture.ask('chunks', '/large.bin')) as unknown;
  assert.deepEqual(ids, JSON.parse(JSON.stringify(whole.slices().map(({ id }) => id))));
  // The application maps the very pages.
  const own = memoryOf(process.pid);
  const theirs = [...memoryOf(await fixture.ask('pid'))].filter(([inode]) => own.has(inode));
  const shared = theirs.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.ok(shared >= SIZE, `${shared} bytes are shared`);
});

test('hits cost no message; an application that reads nothing is not attached', async () => {
  await using fixture = await Fixture.start();
  await fixture.ask('pid');
  assert.deepEqual(JSON.parse(await fixture.ask('stats')).misses, 0);
  for (let i = 0; i < 5; i++) assert.equal(await fixture.ask('read', '/page.html'), 'site/page.html');
  assert.deepEqual(await fixture.ask('part', '/page.html'), 'it');
  const facts = JSON.parse(await fixture.ask('facts', '/page.html')) as { size: number; mediaType: string };
  assert.deepEqual([facts.size, facts.mediaType], [14, 'text/html; charset=utf-8']);
  const { hits, misses } = JSON.parse(await fixture.ask('stats')) as { hits: number; misses: number };
  assert.deepEqual([misses, hits], [1, 6]);
});

test('a changed file is read anew', async () => {
  await using fixture = await Fixture.start();
  assert.equal(await fixture.ask('read', '/page.html'), 'site/page.html');
  writeFileSync(fixture.folder.file('site/page.html'), 'changed');
  const changed = async (): Promise<void> => {
    while ((await fixture.ask('read', '/page.html')) !== 'changed');
  };
  await watchdog(changed(), 'the change');
});

test('an application reads what its site serves, and nothing else by whatever way', async () => {
  await using fixture = await Fixture.start({
    rules: [{ match: '/private/**', handler: async () => ({ status: 401, headers: [], body: undefined }) }],
  });
  const { folder } = fixture;
  assert.equal(await fixture.ask('read', '/page.html'), 'site/page.html');
  assert.equal(await fixture.ask('asks', folder.file('site/page.html')), 'site/page.html');
  for (const path of ['/.env', '/private/page.html', '/out', '/../secret', '/%2e%2e/secret'])
    assert.equal(await fixture.ask('read', path), 'EACCES', path);
  for (const path of [
    '/etc/passwd',
    folder.file('secret'),
    folder.file('site/.env'),
    folder.file('site/private/page.html'),
    folder.file('site/out'),
    `${folder.path}/site/../secret`,
    `${folder.path}/site/`,
  ])
    assert.equal(await fixture.ask('asks', path), 'EACCES', path);
});

test('a process that takes the place of one that died has the cache as well', async () => {
  await using fixture = await Fixture.start();
  assert.equal(await fixture.ask('read', '/page.html'), 'site/page.html');
  const pid = await fixture.ask('pid');
  const next = once(fixture.server.apps as never, 'serving');
  process.kill(Number(pid), 'SIGKILL');
  await watchdog(next, 'the next process', 40_000);
  const again = async (): Promise<void> => {
    while ((await fixture.ask('read', '/page.html')) !== 'site/page.html');
  };
  await watchdog(again(), 'the page');
  assert.notEqual(await fixture.ask('pid'), pid);
});

test('without files of its own, or in a cache of another process, a server has nothing to give', async () => {
  using pair = new ChannelPair();
  using owned = createFileCache({ govern: false });
  owned.serve(pair.near);
  using cache = await attachFileCache(pair.far);
  for (const options of [{ root: undefined }, { cache }]) {
    await using fixture = await Fixture.start(options);
    assert.equal(await fixture.ask('read', '/page.html'), 'ERR_IOLITE_UNSUPPORTED');
    assert.notEqual(await fixture.ask('asks', '/etc/passwd'), readFileSync('/etc/passwd', 'utf8'));
  }
});
