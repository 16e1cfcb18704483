import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { compress, type MadeCoding } from '../../../src/file/content/compress.ts';

const CODINGS: [MadeCoding, (bytes: Buffer) => Buffer][] = [
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
];

async function compressed(content: Aggregate, coding: MadeCoding, most = Number.MAX_SAFE_INTEGER) {
  const parts = await compress(content, coding, { most });
  return parts && Buffer.concat(parts);
}

for (const [coding, decompress] of CODINGS) {
  test(`${coding}: what is compressed decompresses to the content`, async () => {
    using pool = createPool();
    for (const text of ['', 'a', 'some text, '.repeat(40_000)]) {
      using content = pool.from([Buffer.from(text), Buffer.from('and another piece')]);
      const bytes = (await compressed(content, coding)) as Buffer;
      assert.equal(decompress(bytes).toString(), content.toString());
    }
  });

  test(`${coding}: work ends where more bytes come out than are wanted`, async () => {
    using pool = createPool();
    const content = pool.from(randomBytes(3 * 1024 ** 2));
    const work = compressed(content, coding, content.length - 1);
    content.release();
    assert.equal(await work, undefined);
    using text = pool.from('text '.repeat(1000));
    const { length } = (await compressed(text, coding)) as Buffer;
    assert.equal((await compressed(text, coding, length))?.length, length);
    assert.equal(await compressed(text, coding, length - 1), undefined);
  });

  test(`${coding}: work ends with the reason of its signal, and holds nothing`, async () => {
    using pool = createPool();
    const content = pool.from(randomBytes(3 * 1024 ** 2));
    const controller = new AbortController();
    const work = compress(content, coding, { most: content.length, signal: controller.signal });
    content.release();
    setImmediate(() => controller.abort(new Error('enough')));
    await assert.rejects(work, /enough/);
    assert.equal(pool.stats().bytesLive, 0);
  });
}
