import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { test } from 'node:test';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import {
  createFileCache,
  type OwnedFileCache,
  type ServeOptions,
} from '../../../src/file/cache/owned-cache.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const READER = new URL('../children/reader.ts', import.meta.url);
const MiB = 1024 ** 2;

interface Facts {
  readonly text: string;
  readonly chunk: string;
  readonly etag: string;
  readonly code?: string;
  readonly hits?: number;
  readonly misses?: number;
}

/** A child with a cache attached to ours. */
class Reader {
  readonly channel: Channel;
  readonly #input: NodeJS.WritableStream;
  readonly #lines: AsyncIterator<string>;

  constructor(channel: Channel, input: NodeJS.WritableStream, lines: Interface) {
    this.channel = channel;
    this.#input = input;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(family: Family, cache: OwnedFileCache, options: ServeOptions = {}): Promise<Reader> {
    const { channel, process: child } = await family.fork(READER, [], { stdio: 'pipe' });
    cache.serve(channel, options);
    child.stderr?.pipe(process.stderr);
    if (child.stdin === null || child.stdout === null) throw new Error('the child has no pipes');
    return new Reader(channel, child.stdin, createInterface({ input: child.stdout }));
  }

  async ask(ask: string, path = ''): Promise<Facts> {
    this.#input.write(`${JSON.stringify({ ask, path })}\n`);
    const { value } = await watchdog(this.#lines.next(), `an answer to ${ask} ${path}`);
    return JSON.parse(value as string);
  }
}

test('attached domains read the same copy, and a hit asks nobody', async () => {
  using folder = new Folder();
  await using family = new Family();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: 3_600_000 });
  const path = folder.file('a');
  writeFileSync(path, 'content');
  const one = await Reader.start(family, cache);
  const other = await Reader.start(family, cache);
  const first = await one.ask('read', path);
  const second = await other.ask('read', path);
  assert.equal(first.text, 'content');
  assert.deepEqual(second, first);
  await one.ask('read', path);
  const { hits, misses } = await one.ask('stats');
  assert.deepEqual({ hits, misses }, { hits: 1, misses: 1 });
  assert.equal(cache.stats().entries, 1);
});

test('a change is seen by all, and old snapshots stay', async () => {
  using folder = new Folder();
  await using family = new Family();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: 0 });
  const path = folder.file('a');
  const reader = await Reader.start(family, cache);
  for (let version = 0; version < 20; version++) {
    const text = `version ${version} `.repeat(version * 1000 + 1);
    writeFileSync(path, text);
    const facts = await reader.ask(version === 3 ? 'hold' : 'read', path);
    assert.ok(facts.text === text, `${facts.text?.slice(0, 20)}... in place of version ${version}`);
  }
  unlinkSync(path);
  assert.equal((await reader.ask('read', path)).code, 'ENOENT');
  assert.equal((await reader.ask('held', path)).text, 'version 3 '.repeat(3001));
});

test('what the owner evicts attached domains give up, so that its memory is used again', async () => {
  using folder = new Folder();
  await using family = new Family();
  using cache = createFileCache({ budget: 4 * MiB, maxStale: 3_600_000 });
  const reader = await Reader.start(family, cache);
  for (let i = 0; i < 40; i++) {
    const path = folder.file(String(i));
    writeFileSync(path, Buffer.alloc(MiB / 2, i));
    // Not kept until the reader has heard what to give up, and its kernel locks have gone.
    for (let again = 0; again < 1000; again++) {
      const { text, code } = await reader.ask('read', path);
      assert.equal(text?.length, MiB / 2, `file ${i}: ${code}`);
      using kept = cache.peek(path);
      if (kept !== undefined) break;
    }
    const { live, dead, filling, room, leased, headers } = cache.stats();
    assert.ok(live + dead + filling + room + leased + headers <= 4 * MiB);
  }
  assert.ok(cache.stats().entries >= 5);
  assert.ok(cache.stats().evictions >= 30);
});

test('serve() with a root refuses what lies outside, links followed', async () => {
  using folder = new Folder();
  await using family = new Family();
  using cache = createFileCache({ budget: MiB });
  mkdirSync(folder.file('root'));
  mkdirSync(folder.file('rootless'));
  writeFileSync(folder.file('root/inside'), 'inside');
  writeFileSync(folder.file('rootless/secret'), 'secret');
  symlinkSync('../rootless/secret', folder.file('root/escape'));
  symlinkSync('inside', folder.file('root/link'));
  const reader = await Reader.start(family, cache, { root: folder.file('root') });
  assert.equal((await reader.ask('read', folder.file('root/inside'))).text, 'inside');
  assert.equal((await reader.ask('read', folder.file('root/link'))).text, 'inside');
  assert.equal((await reader.ask('read', folder.file('root/escape'))).code, 'EACCES');
  assert.equal((await reader.ask('read', folder.file('rootless/secret'))).code, 'EACCES');
  assert.equal((await reader.ask('read', `${folder.file('root')}/../rootless/secret`)).code, 'EACCES');
  // Not even when the owner has it in memory for itself.
  (await cache.read(folder.file('rootless/secret'))).release();
  assert.equal((await reader.ask('read', folder.file('rootless/secret'))).code, 'EACCES');
});

test('without its owner an attached domain goes on serving what it holds', async () => {
  using folder = new Folder();
  await using family = new Family();
  using cache = createFileCache({ budget: MiB, maxStale: 0 });
  writeFileSync(folder.file('a'), 'kept');
  writeFileSync(folder.file('b'), 'never read');
  const reader = await Reader.start(family, cache);
  assert.equal((await reader.ask('read', folder.file('a'))).text, 'kept');
  reader.channel.destroy();
  assert.equal((await reader.ask('read', folder.file('a'))).text, 'kept');
  assert.equal((await reader.ask('read', folder.file('b'))).code, 'ERR_IOLITE_PEER');
});

for (const policy of ['lru', 'gds', 's3fifo'] as const) {
  for (const bytes of [4096, 65_536, 400_000]) {
    test(`what an attached domain holds stays: ${policy}, ${bytes} bytes`, async () => {
      using folder = new Folder();
      await using family = new Family();
      using cache = createFileCache({ budget: 4 * MiB, maxStale: 3_600_000, policy });
      const reader = await Reader.start(family, cache);
      const file = (i: number): string => folder.file(String(i));
      const count = Math.ceil((10 * MiB) / bytes);
      for (let i = 0; i < count; i++) writeFileSync(file(i), Buffer.alloc(bytes, i));
      const held = await reader.ask('hold', file(0));
      for (let round = 0; round < 2; round++) {
        for (let i = 1; i < count; i++) (await cache.read(file(i))).release();
        const { misses } = cache.stats();
        using again = await cache.snapshot(file(0));
        assert.equal(again.size, bytes);
        assert.equal(cache.stats().misses, misses, `it was read again in round ${round}`);
      }
      assert.equal((await reader.ask('held', file(0))).text, held.text);
      assert.ok(cache.stats().evictions > 0);
    });
  }
}

test('an attached domain that keeps what it reads is bounded, and the statistics tell', async () => {
  using folder = new Folder();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB, compress: false, govern: false });
  cache.serve(pair.near);
  using attached = await attachFileCache(pair.far);
  const kept: Disposable[] = [];
  const readAll = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const path = folder.file(`kept-${i}`);
      writeFileSync(path, Buffer.alloc(MiB, i));
      kept.push(await attached.read(path));
    }
  };
  await assert.rejects(readAll(), { code: 'ERR_IOLITE_LIMIT' });
  const { live, dead, filling, room, headers, leased, beside, budget } = cache.stats();
  assert.ok(live + dead + filling + room + headers + leased <= budget);
  assert.ok(beside >= 64 * MiB && beside < 66 * MiB, `${beside} bytes beside`);
  for (const each of kept.splice(0)) each[Symbol.dispose]();
});

test('an attached cache does not remember each of 900,000 paths that were invalidated', async () => {
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB });
  cache.serve(pair.near);
  using attached = await attachFileCache(pair.far);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 900_000; i++) attached.invalidate(`/some/folder/with/a/long/name/file-${i}.html`);
  globalThis.gc?.();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 8 * MiB, `${grown} bytes were taken`);
});
