import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadSiblings, siblingsOf } from '../../../src/file/cache/siblings.ts';
import { Folder } from '../../support/folder.ts';

/** A folder with a file of 100 bytes, and what its siblings are. */
class Page extends Folder {
  readonly page = this.file('page.html');

  constructor() {
    super();
    this.put('', 100, 1000);
  }

  put(suffix: string, size: number, time: number): void {
    writeFileSync(`${this.page}${suffix}`, Buffer.alloc(size));
    utimesSync(`${this.page}${suffix}`, time, time);
  }

  async codings(): Promise<string[]> {
    const { size, mtimeNs } = statSync(this.page, { bigint: true });
    const siblings = await siblingsOf(this.page, { size: Number(size), mtimeNs });
    return siblings.map(({ coding }) => coding);
  }
}

test('siblings are found in the order of preference', async () => {
  using folder = new Page();
  assert.deepEqual(await folder.codings(), []);
  folder.put('.gz', 50, 1000);
  folder.put('.zst', 40, 2000);
  folder.put('.br', 30, 1000);
  folder.put('.bz2', 30, 1000);
  assert.deepEqual(await folder.codings(), ['br', 'zstd', 'gzip']);
});

test('siblings that are older, no smaller, or empty are none', async () => {
  using folder = new Page();
  folder.put('.gz', 50, 999.999);
  folder.put('.zst', 100, 2000);
  folder.put('.br', 0, 2000);
  assert.deepEqual(await folder.codings(), []);
});

test('what is no file, or cannot be looked at, is no sibling', async () => {
  using folder = new Page();
  mkdirSync(`${folder.page}.gz`);
  symlinkSync(`${folder.page}.br`, `${folder.page}.br`);
  symlinkSync('nothing', `${folder.page}.zst`);
  assert.deepEqual(await folder.codings(), []);
  assert.deepEqual(await siblingsOf(`${'x'.repeat(5000)}`, { size: 1, mtimeNs: 0n }), []);
});

test('siblings are loaded as forms with tags of their own', async () => {
  using folder = new Page();
  folder.put('.gz', 50, 1000);
  folder.put('.br', 30, 1000);
  const { size, mtimeNs } = statSync(folder.page, { bigint: true });
  const version = { size: Number(size), mtimeNs };
  const read = async (path: string) => {
    const bytes = readFileSync(path);
    return { version: { size: bytes.length, mtimeNs }, bytes };
  };
  const forms = await loadSiblings(folder.page, version, read);
  assert.deepEqual(
    forms.map(({ coding, parts }) => [coding, Buffer.concat(parts).length]),
    [
      ['br', 30],
      ['gzip', 50],
    ],
  );
  assert.notEqual(forms[0]?.etag, forms[1]?.etag);
});

test('siblings that cannot be read, or are others by then, are none', async () => {
  using folder = new Page();
  folder.put('.gz', 50, 1000);
  folder.put('.br', 30, 1000);
  const { size, mtimeNs } = statSync(folder.page, { bigint: true });
  const version = { size: Number(size), mtimeNs };
  const forms = await loadSiblings(folder.page, version, async path => {
    if (path.endsWith('.br')) throw new Error('EIO');
    return { version: { size: 50, mtimeNs: mtimeNs - 1n }, bytes: Buffer.alloc(50) };
  });
  assert.deepEqual(forms, []);
});
