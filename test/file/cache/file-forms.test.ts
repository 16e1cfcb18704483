import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { type AttachedFileCache, attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache, Snapshot } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { Coding } from '../../../src/file/content/coding.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const MIB = 1024 ** 2;
const TEXT = 'words that come again and again, '.repeat(1000);
const STRONG = /^"[\w-]{24}"$/;

/** A folder with a page, which is older than all that is put beside it. */
class Site extends Folder {
  readonly page = this.file('page.html');

  constructor(text = TEXT) {
    super();
    writeFileSync(this.page, text);
    utimesSync(this.page, 1000, 1000);
  }
}

/** The bytes of a form, and its tag. */
function form(snapshot: Snapshot, coding: Coding): { bytes: Buffer; etag: string } {
  using encoded = snapshot.encoded(coding);
  assert(encoded?.content !== undefined);
  assert.equal(encoded.size, encoded.content.length);
  assert.deepEqual(encoded.codings, []);
  return { bytes: encoded.content.toBuffer(), etag: encoded.etag };
}

/** Reads a page again and again until it has forms. */
async function snapshotWithForms(cache: FileCache, path: string): Promise<Snapshot> {
  const find = async (): Promise<Snapshot> => {
    for (;;) {
      const snapshot = await cache.snapshot(path);
      if (snapshot.codings.length > 0) return snapshot;
      snapshot.release();
      await new Promise(setImmediate);
    }
  };
  return watchdog(find(), 'forms');
}

test('tags are strong, and the same for the same content', async () => {
  using site = new Site();
  using cache = createFileCache({ budget: 8 * MIB, maxStale: 0 });
  using first = await cache.snapshot(site.page);
  assert.match(first.etag, STRONG);
  utimesSync(site.page, 2000, 2000);
  using touched = await cache.snapshot(site.page);
  assert.equal(touched.mtimeMs, 2_000_000);
  assert.equal(touched.etag, first.etag);
  writeFileSync(site.page, `${TEXT}!`);
  using changed = await cache.snapshot(site.page);
  assert.notEqual(changed.etag, first.etag);
});

test('a file that is kept by extents has a tag, too', async () => {
  using site = new Site();
  writeFileSync(site.file('large'), Buffer.alloc(4 * MIB));
  using cache = createFileCache({ budget: 8 * MIB });
  using large = await cache.snapshot(site.file('large'));
  assert.equal(large.content, undefined);
  assert.match(large.etag, /^(W\/)?"[\w-]{24}"$/);
  assert.deepEqual(large.codings, []);
});

test('forms beside a file are there from the first read on, and none are made then', async () => {
  using site = new Site();
  writeFileSync(`${site.page}.br`, brotliCompressSync(TEXT));
  writeFileSync(`${site.page}.gz`, gzipSync(TEXT));
  using cache = createFileCache({ budget: 8 * MIB });
  using snapshot = await cache.snapshot(site.page);
  assert.deepEqual(snapshot.codings, ['br', 'gzip']);
  const [br, gzip] = [form(snapshot, 'br'), form(snapshot, 'gzip')];
  assert.equal(brotliDecompressSync(br.bytes).toString(), TEXT);
  assert.equal(gunzipSync(gzip.bytes).toString(), TEXT);
  for (const tag of [br.etag, gzip.etag]) assert.match(tag, STRONG);
  assert.equal(new Set([snapshot.etag, br.etag, gzip.etag]).size, 3);
  assert.equal(snapshot.encoded('zstd'), undefined);
  for (let i = 0; i < 10; i++) cache.peek(site.page)?.release();
  using other = await cache.snapshot(site.page);
  assert.deepEqual(other.codings, ['br', 'gzip']);
  assert.equal(cache.stats().bytes, TEXT.length + br.bytes.length + gzip.bytes.length);
});

test('a form that was made of another content is never used', async () => {
  using site = new Site();
  for (const stale of [TEXT.replace('words', 'Words'), `${TEXT}!`]) {
    writeFileSync(`${site.page}.gz`, gzipSync(stale));
    writeFileSync(`${site.page}.br`, brotliCompressSync(stale));
    for (const suffix of ['', '.gz', '.br']) utimesSync(`${site.page}${suffix}`, 1000, 1000);
    using cache = createFileCache({ budget: 8 * MIB, compress: false });
    using snapshot = await cache.snapshot(site.page);
    assert.deepEqual(snapshot.codings, []);
  }
});

test('forms that are older than the file, or lead out of its directory, are none', async () => {
  using site = new Site();
  writeFileSync(`${site.page}.gz`, gzipSync(TEXT));
  utimesSync(`${site.page}.gz`, 999, 999);
  mkdirSync(site.file('secrets'));
  using elsewhere = new Folder();
  writeFileSync(elsewhere.file('secret'), 'secret');
  symlinkSync(elsewhere.file('secret'), `${site.page}.br`);
  using cache = createFileCache({ budget: 8 * MIB });
  using snapshot = await cache.snapshot(site.page);
  assert.deepEqual(snapshot.codings, []);
});

test('forms lie beside what a link leads to', async () => {
  using site = new Site();
  writeFileSync(`${site.page}.gz`, gzipSync(TEXT));
  symlinkSync(site.page, site.file('link.html'));
  using cache = createFileCache({ budget: 8 * MIB });
  using snapshot = await cache.snapshot(site.file('link.html'));
  assert.deepEqual(snapshot.codings, ['gzip']);
});

test('a form that comes, or goes, is noticed', async () => {
  using site = new Site();
  using cache = createFileCache({ budget: 8 * MIB, maxStale: 3_600_000, compress: false });
  using before = await cache.snapshot(site.page);
  assert.deepEqual(before.codings, []);
  writeFileSync(`${site.page}.gz`, gzipSync(TEXT));
  using after = await snapshotWithForms(cache, site.page);
  assert.deepEqual(after.codings, ['gzip']);
  unlinkSync(`${site.page}.gz`);
  const gone = async (): Promise<void> => {
    for (;;) {
      using snapshot = await cache.snapshot(site.page);
      if (snapshot.codings.length === 0) return;
      await new Promise(setImmediate);
    }
  };
  await watchdog(gone(), 'the form to go');
});

test('forms are made of what is read often, once for all domains', async () => {
  using site = new Site();
  using pair = new ChannelPair();
  using cache = createFileCache({ budget: 8 * MIB });
  cache.serve(pair.near);
  using attached: AttachedFileCache = await attachFileCache(pair.far);
  using plain = await attached.snapshot(site.page);
  assert.deepEqual(plain.codings, []);
  using snapshot = await snapshotWithForms(attached, site.page);
  using owned = await snapshotWithForms(cache, site.page);
  for (const each of [snapshot, owned]) {
    assert.deepEqual([...each.codings].sort(), ['br', 'gzip']);
    assert.equal(brotliDecompressSync(form(each, 'br').bytes).toString(), TEXT);
    assert.equal(gunzipSync(form(each, 'gzip').bytes).toString(), TEXT);
  }
  assert.equal(form(snapshot, 'br').etag, form(owned, 'br').etag);
  assert.equal(snapshot.etag, plain.etag);
});

test('forms of a version go with it', async () => {
  using site = new Site();
  using cache = createFileCache({ budget: 8 * MIB, maxStale: 0 });
  for (let version = 0; version < 20; version++) {
    const text = `${version} ${TEXT}`;
    writeFileSync(site.page, text);
    using snapshot =
      version % 2 === 0 ? await snapshotWithForms(cache, site.page) : await cache.snapshot(site.page);
    assert.equal(snapshot.content?.toString(), text);
    for (const coding of snapshot.codings) {
      const decompress = coding === 'br' ? brotliDecompressSync : gunzipSync;
      assert.equal(decompress(form(snapshot, coding).bytes).toString(), text);
    }
  }
  unlinkSync(site.page);
  await assert.rejects(cache.snapshot(site.page), { code: 'ENOENT' });
  assert.equal(cache.stats().bytes, 0);
});

test('nothing is made where it is not wanted, or not worth it', async () => {
  using site = new Site();
  writeFileSync(site.file('noise.txt'), randomBytes(20_000));
  writeFileSync(site.file('image.png'), TEXT);
  writeFileSync(site.file('small.txt'), 'small');
  writeFileSync(site.file('last.txt'), TEXT);
  using without = createFileCache({ budget: 8 * MIB, compress: false });
  using cache = createFileCache({ budget: 8 * MIB });
  const names = ['noise.txt', 'image.png', 'small.txt'].map(name => site.file(name));
  for (let i = 0; i < 5; i++) {
    for (const name of names) (await cache.snapshot(name)).release();
    (await without.snapshot(site.page)).release();
  }
  // One after the other: all before it have had their turn.
  (await snapshotWithForms(cache, site.file('last.txt'))).release();
  for (const name of names) {
    using snapshot = await cache.snapshot(name);
    assert.deepEqual(snapshot.codings, [], name);
  }
  using snapshot = await without.snapshot(site.page);
  assert.deepEqual(snapshot.codings, []);
});

test('a cache without room for forms serves what it has', async () => {
  using site = new Site();
  for (let i = 0; i < 8; i++) writeFileSync(site.file(`${i}.html`), `${i} ${TEXT}`);
  using cache = createFileCache({ budget: 128 * 1024 });
  for (let i = 0; i < 200; i++) {
    using snapshot = await cache.snapshot(site.file(`${i % 8}.html`));
    assert.equal(snapshot.content?.toString(), `${i % 8} ${TEXT}`);
    for (const coding of snapshot.codings) {
      const decompress = coding === 'br' ? brotliDecompressSync : gunzipSync;
      assert.equal(decompress(form(snapshot, coding).bytes).toString(), `${i % 8} ${TEXT}`);
    }
    if (i % 10 === 0) await new Promise(setImmediate);
  }
});

test('a cache that is closed while forms are made holds nothing', async () => {
  using site = new Site();
  const cache = createFileCache({ budget: 8 * MIB });
  for (let i = 0; i < 4; i++) (await cache.snapshot(site.page)).release();
  cache.close();
  await new Promise(setImmediate);
  await assert.rejects(cache.snapshot(site.page), { code: 'ERR_IOLITE_CLOSED' });
});

test('without descriptors a read fails with a code, or goes without forms, and later ones succeed', () => {
  using folder = new Folder();
  const child = fileURLToPath(new URL('../children/exhausted.ts', import.meta.url));
  const args = [process.execPath, ...process.execArgv, child, folder.path];
  const { stdout, stderr, status } = spawnSync('bash', ['-c', 'ulimit -n 100; exec "$@"', 'bash', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  const results = JSON.parse(stdout) as { code?: string; codings?: string[]; right?: boolean }[];
  const [during, after] = [results.slice(0, 12), results.slice(12)];
  assert.deepEqual(during[0], { code: 'EMFILE' });
  for (const { code, right } of during) assert(code === 'EMFILE' || right, JSON.stringify(during));
  assert.deepEqual(during.at(-1), { codings: ['gzip'], right: true });
  for (const { right } of after) assert(right, JSON.stringify(after));
});
