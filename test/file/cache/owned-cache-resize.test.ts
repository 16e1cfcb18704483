import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

/** Files of 100 KiB, each of another byte. */
function makeFiles(folder: Folder, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = folder.file(`f${i}`);
    writeFileSync(path, Buffer.alloc(100 * KiB, i));
    return path;
  });
}

test('without a budget a cache has one by the memory there is', async () => {
  using folder = new Folder();
  const [path] = makeFiles(folder, 1) as [string];
  using cache = createFileCache();
  using content = await cache.read(path);
  assert.equal(content.length, 100 * KiB);
  const { budget } = cache.stats();
  assert.ok(budget > 0 && budget <= 256 * MiB, `${budget}`);
});

test('resize() changes what is kept; what is held goes on', async () => {
  using folder = new Folder();
  const paths = makeFiles(folder, 100);
  using cache = createFileCache({ budget: 32 * MiB });
  for (const path of paths) (await cache.read(path)).release();
  assert.equal(cache.stats().entries, 100);
  using held = await cache.read(paths[0] as string);
  cache.resize(4 * MiB);
  const { entries, budget, bytes } = cache.stats();
  assert.ok(entries > 0 && entries < 50 && bytes <= 4 * MiB);
  assert.equal(budget, 4 * MiB);
  assert.ok(held.equals(Buffer.alloc(100 * KiB, 0)));
  cache.resize(32 * MiB);
  for (const path of paths) (await cache.read(path)).release();
  assert.equal(cache.stats().entries, 100);
});

test('a cache that was given a pool is bounded by its limit too', async () => {
  using folder = new Folder();
  const paths = makeFiles(folder, 100);
  using pool = createPool({ limit: 4 * MiB });
  using cache = createFileCache({ budget: 2 * MiB, pool });
  cache.resize(32 * MiB);
  for (const [i, path] of paths.entries()) {
    using content = await cache.read(path);
    assert.ok(content.equals(Buffer.alloc(100 * KiB, i)));
  }
  assert.ok(pool.stats().bytesMapped <= 4 * MiB);
});

test('a budget below the largest file: it is read right, and not kept whole', async () => {
  using folder = new Folder();
  const path = folder.file('large');
  const bytes = Buffer.from(Array.from({ length: 8 * MiB }, (_, i) => (i * 31) >> 5));
  writeFileSync(path, bytes);
  for (const budget of [0, 1, 64 * KiB, MiB, 4 * MiB]) {
    using cache = createFileCache({ budget });
    for (let i = 0; i < 2; i++) {
      using content = await cache.read(path);
      assert.ok(content.equals(bytes), `${budget}`);
    }
    assert.ok(cache.stats().bytes <= budget);
  }
});

test('attached domains learn of another budget', async () => {
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MiB });
  cache.serve(pair.near);
  using attached = await attachFileCache(pair.far);
  assert.equal(attached.stats().budget, 8 * MiB);
  cache.resize(16 * MiB);
  const learnt = async (): Promise<void> => {
    while (attached.stats().budget !== 16 * MiB) await new Promise(setImmediate);
  };
  await watchdog(learnt(), 'word of the budget');
});

test('budgets that make no sense are refused, and change nothing', () => {
  using cache = createFileCache({ budget: MiB });
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
    const code = Number.isInteger(wrong) ? 'ERR_IOLITE_RANGE' : 'ERR_IOLITE_ARGUMENT';
    assert.throws(() => cache.resize(wrong), { code });
  }
  for (const wrong of ['1', null, undefined, 1n]) {
    assert.throws(() => cache.resize(wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.equal(cache.stats().budget, MiB);
  cache.close();
  assert.throws(() => cache.resize(MiB), { code: 'ERR_IOLITE_CLOSED' });
});

test('a cache that is not governed has all of its budget, whatever there is', () => {
  const budget = 2 ** 50;
  using free = createFileCache({ budget, govern: false });
  assert.equal(free.stats().allowance, budget);
});
