import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { loadSiblings, siblingsOf } from '../../../src/file/content/siblings.ts';
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

/** A page of zeros with forms beside it. */
class PageWithForms extends Page {
  constructor() {
    super();
    const content = Buffer.alloc(100);
    this.putBytes('.gz', gzipSync(content));
    this.putBytes('.br', brotliCompressSync(content));
  }

  putBytes(suffix: string, bytes: Buffer, time = 1000): void {
    writeFileSync(`${this.page}${suffix}`, bytes);
    utimesSync(`${this.page}${suffix}`, time, time);
  }

  /** Codings and tags of the forms, read as they are unless said otherwise. */
  async forms(read?: Parameters<typeof loadSiblings>[3]): Promise<(readonly [string, string])[]> {
    const { size, mtimeNs } = statSync(this.page, { bigint: true });
    const plain = async (path: string) => {
      const bytes = readFileSync(path);
      return { version: { size: bytes.length, mtimeNs }, bytes };
    };
    const version = { size: Number(size), mtimeNs };
    const forms = await loadSiblings(this.page, version, [readFileSync(this.page)], read ?? plain);
    return forms.map(({ coding, etag }) => [coding, etag] as const);
  }
}

test('siblings are loaded as forms with tags of their own', async () => {
  using folder = new PageWithForms();
  const [br, gzip, ...others] = await folder.forms();
  assert.deepEqual([br?.[0], gzip?.[0], others.length], ['br', 'gzip', 0]);
  assert.notEqual(br?.[1], gzip?.[1]);
});

test('a sibling of another content is none, whatever its date', async () => {
  using folder = new PageWithForms();
  const other = Buffer.alloc(100, 1);
  for (const time of [1000, 2000]) {
    folder.putBytes('.gz', gzipSync(other), time);
    assert.deepEqual(
      (await folder.forms()).map(([coding]) => coding),
      ['br'],
    );
  }
  folder.putBytes('.br', brotliCompressSync(other));
  assert.deepEqual(await folder.forms(), []);
});

test('siblings that cannot be read, or are others by then, are none', async () => {
  using folder = new PageWithForms();
  const { mtimeNs } = statSync(folder.page, { bigint: true });
  const forms = await folder.forms(async path => {
    if (path.endsWith('.br')) throw new Error('EIO');
    const bytes = readFileSync(path);
    return { version: { size: bytes.length, mtimeNs: mtimeNs - 1n }, bytes };
  });
  assert.deepEqual(forms, []);
});
