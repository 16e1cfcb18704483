import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { everyone } from '../../../src/memory/acl.ts';
import { testServing } from '../../store/support/serving-suite.ts';
import { Folder } from '../../support/folder.ts';

const MiB = 1024 ** 2;

test('read() gives the bytes of the file, whole or in part', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB });
  const path = folder.file('a');
  for (const size of [0, 1, 4095, 4096, 100_000, 3 * MiB + 1]) {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => i * 31));
    writeFileSync(path, bytes);
    cache.invalidate(path);
    using all = await cache.read(path);
    assert.ok(all.equals(bytes), `${size} bytes`);
    using part = await cache.read(path, { start: 10, end: -3 });
    assert.ok(part.equals(bytes.subarray(10, -3)));
  }
});

test('read() twice shares one copy, and asks the disk once', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 60_000 });
  const path = folder.file('a');
  writeFileSync(path, 'content');
  using first = await cache.read(path);
  using second = await cache.read(path);
  assert.deepEqual(
    first.slices().map(({ id }) => id),
    second.slices().map(({ id }) => id),
  );
  const { entries, bytes, budget, hits, misses, evictions } = cache.stats();
  assert.deepEqual([entries, bytes, budget, hits, misses, evictions], [1, 7, MiB, 1, 1, 0]);
});

test('read() at the same time reads once', async () => {
  using folder = new Folder();
  const pool = createPool();
  using cache = createFileCache({ budget: MiB, pool });
  const path = folder.file('a');
  writeFileSync(path, 'content');
  const all = await Promise.all(Array.from({ length: 50 }, () => cache.read(path)));
  assert.equal(pool.stats().allocated, 1);
  for (const each of all) {
    assert.equal(each.toString(), 'content');
    each.release();
  }
  pool.close();
});

test('snapshot() tells size, time and entity tag', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 0 });
  const path = folder.file('a');
  writeFileSync(path, 'content');
  using one = await cache.snapshot(path);
  assert.equal(one.size, 7);
  assert.ok(Math.abs(one.mtimeMs - Date.now()) < 60_000);
  assert.match(one.etag, /^"[\w-]{24}"$/);
  writeFileSync(path, 'another');
  using other = await cache.snapshot(path);
  assert.notEqual(other.etag, one.etag);
});

test('a change on disk shows, and who holds the old version keeps it', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 0 });
  const path = folder.file('a');
  writeFileSync(path, 'first');
  using first = await cache.read(path);
  appendFileSync(path, ' and more');
  using second = await cache.read(path);
  truncateSync(path, 2);
  using third = await cache.read(path);
  writeFileSync(folder.file('b'), 'renamed over');
  renameSync(folder.file('b'), path);
  using fourth = await cache.read(path);
  unlinkSync(path);
  await assert.rejects(cache.read(path), { code: 'ENOENT' });
  assert.equal(cache.peek(path), undefined);
  assert.deepEqual([first, second, third, fourth].map(String), [
    'first',
    'first and more',
    'fi',
    'renamed over',
  ]);
});

test('maxStale bounds how long a change may go unseen, and invalidate() ends it', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 3_600_000 });
  const path = folder.file('a');
  writeFileSync(path, 'old');
  (await cache.read(path)).release();
  writeFileSync(path, 'new');
  using stale = await cache.read(path);
  assert.equal(stale.toString(), 'old');
  cache.invalidate(path);
  using fresh = await cache.read(path);
  assert.equal(fresh.toString(), 'new');
});

test('the least recently used files make room, and files in use stay', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 3_600_000, policy: 'lru' });
  const names = Array.from({ length: 40 }, (_, i) => String(i));
  for (const name of names) writeFileSync(folder.file(name), Buffer.alloc(40_000, name));
  using used = await cache.read(folder.file('1'));
  for (const name of names) {
    (await cache.read(folder.file(name))).release();
    cache.peek(folder.file('0'))?.release();
  }
  const { live, dead, filling, room, leased, headers, evictions } = cache.stats();
  assert.ok(live + dead + filling + room + leased + headers <= MiB);
  assert.ok(evictions > 10);
  assert.ok(cache.peek(folder.file('0')) !== undefined);
  assert.ok(cache.peek(folder.file('1')) === undefined || used.length === 40_000);
  assert.equal(cache.peek(folder.file('2')), undefined);
  assert.equal(used.toString(), '1'.repeat(40_000));
});

test('once room is short, a file that is read once is handed out and takes nobody’s place', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 3_600_000 });
  const read = async (name: string): Promise<void> => {
    using content = await cache.read(folder.file(name));
    assert.equal(content.toString(), name.repeat(40_000 / name.length));
  };
  const isKept = (name: string): boolean => {
    using hit = cache.peek(folder.file(name));
    return hit !== undefined;
  };
  const once = Array.from({ length: 40 }, (_, i) => `once ${i + 10} `);
  for (const name of ['a', 'b', 'c', ...once]) {
    writeFileSync(folder.file(name), Buffer.from(name.repeat(40_000 / name.length)));
  }
  for (const name of ['a', 'b', 'c']) for (let i = 0; i < 3; i++) await read(name);
  for (const name of once) await read(name);
  const { evictions, uncached } = cache.stats();
  assert.deepEqual(['a', 'b', 'c'].map(isKept), [true, true, true]);
  assert.ok(evictions < 5 && uncached > 10, `${evictions} evicted, ${uncached} not kept`);
  const last = once.at(-1) as string;
  assert.equal(isKept(last), false);
  // Asked for more often than what would go for it.
  for (let i = 0; i < 3; i++) await read(last);
  assert.equal(isKept(last), true);
});

test('without a budget files are read and not kept', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 0, maxStale: 3_600_000 });
  for (const size of [0, 10, 100_000, 2 * MiB]) {
    writeFileSync(folder.file('a'), Buffer.alloc(size, 'a'));
    cache.invalidate(folder.file('a'));
    using content = await cache.read(folder.file('a'));
    assert.ok(content.equals(Buffer.alloc(size, 'a')));
  }
  assert.equal(cache.stats().live, 0);
});

test('what cannot be read is an error with a code', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB });
  mkdirSync(folder.file('dir'));
  execFileSync('mkfifo', [folder.file('fifo')]);
  symlinkSync('loop', folder.file('loop'));
  const wrong: [string, string][] = [
    [folder.file('missing'), 'ENOENT'],
    [folder.file('dir'), 'EISDIR'],
    [folder.file('fifo'), 'ERR_IOLITE_FILE'],
    [folder.file('loop'), 'ELOOP'],
    [folder.file('x'.repeat(300)), 'ENAMETOOLONG'],
    ['/dev/zero', 'ERR_IOLITE_FILE'],
    [folder.file('\ud800'), 'ERR_IOLITE_ARGUMENT'],
    [folder.file('a\0b'), 'ERR_IOLITE_ARGUMENT'],
    ['', 'ERR_IOLITE_ARGUMENT'],
    [7 as unknown as string, 'ERR_IOLITE_ARGUMENT'],
  ];
  for (const [path, code] of wrong) await assert.rejects(cache.read(path), { code }, path);
  assert.equal(cache.stats().entries, 0);
});

test('files whose size says nothing are read, and not kept', async () => {
  using cache = createFileCache({ budget: MiB });
  using status = await cache.read('/proc/self/status');
  assert.match(status.toString(), /^Name:/);
  using alignment = await cache
    .read('/sys/kernel/mm/transparent_hugepage/enabled')
    .catch(() => cache.read('/proc/version'));
  assert.ok(alignment.length > 0);
  assert.equal(cache.stats().entries, 0);
});

test('a full pool is no error: what it has no room for is not kept', async () => {
  using folder = new Folder();
  using pool = createPool({ limit: 2 * MiB });
  using cache = createFileCache({ budget: 8 * MiB, pool });
  writeFileSync(folder.file('large'), Buffer.alloc(3 * MiB));
  writeFileSync(folder.file('small'), 'small');
  using large = await cache.read(folder.file('large'));
  assert.equal(large.length, 3 * MiB);
  using small = await cache.read(folder.file('small'));
  assert.equal(small.toString(), 'small');
});

test('an aborted read ends for its caller only, and leaks nothing', async () => {
  using folder = new Folder();
  const pool = createPool();
  const cache = createFileCache({ budget: 0, pool });
  const path = folder.file('a');
  writeFileSync(path, Buffer.alloc(MiB));
  const controller = new AbortController();
  const aborted = cache.read(path, { signal: controller.signal });
  const other = cache.read(path);
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  (await other).release();
  await assert.rejects(cache.read(path, { signal: controller.signal }), { name: 'AbortError' });
  assert.equal(pool.stats().bytesLive, 0);
  cache.close();
  pool.close();
});

test('close() releases everything; snapshots stay, reads fail', async () => {
  using folder = new Folder();
  const pool = createPool();
  const cache = createFileCache({ budget: 8 * MiB, pool });
  const path = folder.file('a');
  writeFileSync(path, Buffer.alloc(MiB, 1));
  const held = await cache.read(path);
  cache.close();
  await assert.rejects(cache.read(path), { code: 'ERR_IOLITE_CLOSED' });
  assert.throws(() => cache.peek(path), { code: 'ERR_IOLITE_CLOSED' });
  assert.ok(held.equals(readFileSync(path)));
  held.release();
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('createFileCache() checks its options', () => {
  assert.throws(() => createFileCache(null as never), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => createFileCache({ budget: '1 GB' as never }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => createFileCache({ budget: -1 }), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => createFileCache({ budget: 1, maxStale: -1 }), { code: 'ERR_IOLITE_RANGE' });
});

const descriptors = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);

test('without descriptors a read is an error, and what is held stays', {
  skip: descriptors > 100_000 && 'they would be too many to take',
}, async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB, maxStale: 3_600_000 });
  for (const name of ['a', 'b']) writeFileSync(folder.file(name), name);
  (await cache.read(folder.file('a'))).release();
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EMFILE');
  }
  try {
    await assert.rejects(cache.read(folder.file('b')), { code: 'EMFILE' });
    using held = await cache.read(folder.file('a'));
    assert.equal(held.toString(), 'a');
  } finally {
    for (const fd of taken) closeSync(fd);
  }
  using now = await cache.read(folder.file('b'));
  assert.equal(now.toString(), 'b');
});

for (const options of [
  { kind: 'seal' },
  { kind: 'protect' },
  { memory: 'heap' },
  { acl: everyone, chunkSize: 65_536 },
] as const) {
  test(`files are kept in a pool of the user's (${Object.keys(options)})`, async () => {
    using folder = new Folder();
    using pool = createPool(options);
    using cache = createFileCache({ budget: 4 * MiB, maxStale: 3_600_000, pool });
    for (let i = 0; i < 30; i++) {
      writeFileSync(folder.file(`${i}`), Buffer.alloc(i * 10_000, i));
      using content = await cache.read(folder.file(`${i}`));
      assert.ok(content.equals(Buffer.alloc(i * 10_000, i)));
    }
    assert.ok(cache.stats().entries > 5);
    assert.ok(pool.stats().bytesLive <= 4 * MiB);
  });
}

test('a file of which a response alone holds the content stays', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 4 * MiB, policy: 'lru', maxStale: 3_600_000 });
  const file = (i: number): string => folder.file(String(i));
  for (let i = 0; i < 160; i++) writeFileSync(file(i), Buffer.alloc(65_536, i));
  const snapshot = await cache.snapshot(file(0));
  using body = snapshot.share();
  snapshot.release();
  for (let i = 1; i < 160; i++) (await cache.read(file(i))).release();
  assert.ok(cache.stats().evictions > 0);
  const { misses } = cache.stats();
  (await cache.read(file(0))).release();
  assert.equal(cache.stats().misses, misses);
  assert.equal(body?.length, 65_536);
});

testServing('a file cache', async () => {
  const folder = new Folder();
  const key = folder.file('a');
  writeFileSync(key, 'content of a file');
  const cache = createFileCache({ budget: 1024 ** 2, maxStale: 3_600_000 });
  (await cache.read(key)).release();
  return {
    name: 'files',
    key,
    text: 'content of a file',
    owner: cache,
    serve: (channel, otherwise) => cache.serve(channel, otherwise === undefined ? {} : { otherwise }),
    attached: () => cache.stats().attached,
    dispose: async () => folder[Symbol.dispose](),
  };
});
