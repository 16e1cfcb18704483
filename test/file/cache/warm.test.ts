import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { WarmProgress } from '../../../src/file/cache/warm.ts';
import { Folder } from '../../support/folder.ts';

const MiB = 1024 ** 2;

test('warm() reads a directory with all below, and tells how far it is', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB, maxStale: 3_600_000 });
  mkdirSync(folder.file('deep/deeper'), { recursive: true });
  mkdirSync(folder.file('.hidden'));
  for (const name of ['a', 'deep/b', 'deep/deeper/c', '.hidden/d']) writeFileSync(folder.file(name), name);
  symlinkSync('..', folder.file('deep/loop'));
  symlinkSync('nowhere', folder.file('deep/broken'));
  writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.of(0xff)]), 'no name');
  const steps: WarmProgress[] = [];
  const done = await cache.warm(folder.path, { onProgress: step => steps.push(step) });
  // What failed: the links, and the name that is not UTF-8.
  assert.deepEqual(done, { files: 3, bytes: 1 + 6 + 13, failed: 3, full: false });
  assert.deepEqual(
    steps
      .map(({ files }) => files)
      .sort()
      .at(-1),
    3,
  );
  for (const name of ['a', 'deep/b', 'deep/deeper/c']) {
    using hit = cache.peek(folder.file(name));
    assert.equal(hit?.content?.toString(), name);
  }
});

test('warm() takes a glob, and a single file', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB });
  for (const name of ['a.js', 'b.js', 'c.css']) writeFileSync(folder.file(name), name);
  assert.equal((await cache.warm(folder.file('*.js'))).files, 2);
  assert.equal((await cache.warm(folder.file('c.css'))).files, 1);
  assert.equal(cache.stats().entries, 3);
  await assert.rejects(cache.warm(folder.file('missing')), { code: 'ENOENT' });
});

test('warm() understands braces, brackets and what names nothing', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB });
  mkdirSync(folder.file('deep/.hidden'), { recursive: true });
  for (const name of ['a.js', 'b.css', 'c.txt', 'deep/d.css', 'deep/.hidden/e.js', '.f.js'])
    writeFileSync(folder.file(name), name);
  const files = async (pattern: string): Promise<number> => (await cache.warm(folder.file(pattern))).files;
  assert.equal(await files('**/*.{js,css}'), 3);
  assert.equal(await files('[!a]*.*'), 2);
  assert.equal(await files('*.@(js|txt)'), 2);
  assert.equal(await files('**/.hidden/*'), 1);
  for (const none of ['*.html', 'missing/**/*.js', 'a.js/*', `${'x'.repeat(300)}*`])
    assert.deepEqual(await cache.warm(folder.file(none)), { files: 0, bytes: 0, failed: 0, full: false });
  for (const wrong of ['[a', '{a,b', '@(a', '*)'])
    await assert.rejects(cache.warm(folder.file(wrong)), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('warm() takes a path that is there as it is written, whatever it looks like', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB });
  mkdirSync(folder.file('[id]'));
  for (const name of ['a', 'b', '[ab]', '*', '{x', '[id]/page.js']) writeFileSync(folder.file(name), name);
  for (const name of ['[ab]', '*', '{x', '[id]']) {
    assert.equal((await cache.warm(folder.file(name))).files, 1, name);
  }
  assert.equal(cache.stats().entries, 4);
  using page = cache.peek(folder.file('[id]/page.js'));
  assert.ok(page !== undefined);
  assert.equal((await cache.warm(folder.file('[a]'))).files, 1);
  assert.equal((await cache.warm(folder.file('\\[ab\\]'))).files, 1);
});

test('warm() ends when the cache is full', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: MiB });
  for (let i = 0; i < 60; i++) writeFileSync(folder.file(`${i}`), Buffer.alloc(50_000));
  const { files, full } = await cache.warm(folder.path);
  assert.equal(full, true);
  assert.ok(files >= 15 && files < 40, `${files} files`);
});

test('warm() ends with the reason of its signal', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MiB });
  for (let i = 0; i < 60; i++) writeFileSync(folder.file(`${i}`), 'content');
  const controller = new AbortController();
  const onProgress = (): void => controller.abort();
  await assert.rejects(cache.warm(folder.path, { signal: controller.signal, onProgress }), {
    name: 'AbortError',
  });
  assert.ok(cache.stats().entries < 60);
});
