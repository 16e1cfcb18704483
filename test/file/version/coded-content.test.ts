import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { type CheckedCoding, isCodingOf } from '../../../src/file/version/coded-content.ts';

const MIB = 1024 ** 2;
const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (bytes: Buffer) => Buffer };

const CODERS: [CheckedCoding, ((bytes: Buffer) => Buffer) | undefined][] = [
  ['br', bytes => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } })],
  ['gzip', bytes => zlib.gzipSync(bytes)],
  ['zstd', zstdCompressSync],
];

for (const [coding, code] of CODERS) {
  const skip = code === undefined && `this Node.js has no ${coding}`;

  test(`${coding} of a content is told from that of another`, { skip }, async () => {
    for (const size of [0, 1, 1000, 3 * MIB]) {
      const content = Buffer.concat([Buffer.alloc(size, 'text that repeats, '), randomBytes(size >> 4)]);
      const coded = code?.(content) as Buffer;
      const third = Math.floor(content.length / 3);
      assert.equal(await isCodingOf(coding, coded, [content]), true);
      const pieces = [content.subarray(0, third), content.subarray(third)];
      assert.equal(await isCodingOf(coding, coded, pieces), true);
      assert.equal(await isCodingOf(coding, coded, [content, Buffer.from('!')]), false);
      if (size === 0) continue;
      assert.equal(await isCodingOf(coding, coded, [content.subarray(1)]), false);
      const other = Buffer.from(content);
      other[third] = (other[third] as number) ^ 1;
      assert.equal(await isCodingOf(coding, coded, [other]), false, 'same length');
    }
  });

  test(`${coding} that is damaged, cut off, or something else, is of no content`, { skip }, async () => {
    const content = randomBytes(10_000);
    const coded = code?.(content) as Buffer;
    assert.equal(await isCodingOf(coding, coded.subarray(0, -9), [content]), false);
    assert.equal(await isCodingOf(coding, content, [content]), false);
    assert.equal(await isCodingOf(coding, Buffer.alloc(0), [content]), false);
    assert.equal(await isCodingOf(coding, Buffer.alloc(3), [Buffer.alloc(0)]), false);
  });
}

test('of what decodes to very much more no more is decoded than there is to compare with', async () => {
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 };
  const bomb = zlib.brotliCompressSync(Buffer.alloc(64 * MIB), { params });
  assert.ok(bomb.length < 1000);
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(await isCodingOf('br', bomb, [Buffer.alloc(5000)]), false);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * MIB);
});

test('gzip of several members is looked into', async () => {
  const content = Buffer.from('first and second');
  const coded = Buffer.concat([zlib.gzipSync('first '), zlib.gzipSync('and second')]);
  assert.equal(await isCodingOf('gzip', coded, [content]), true);
  assert.equal(await isCodingOf('gzip', coded, [Buffer.from('First and second')]), false);
});

test('what this Node.js cannot decode is of no content', { skip: zstdCompressSync && 'it can' }, async () => {
  assert.equal(
    await isCodingOf('zstd', Buffer.from('KLUv/SAEIQAAdGV4dA==', 'base64'), [Buffer.from('text')]),
    false,
  );
});
