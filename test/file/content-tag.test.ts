import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { contentTag, versionTag } from '../../src/file/content-tag.ts';

const MIB = 1024 ** 2;
const STRONG = /^"[\w-]{24}"$/;

test('a tag tells contents apart, however they are cut', async () => {
  using pool = createPool();
  for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 3 * MIB + 7]) {
    const bytes = randomBytes(size);
    using whole = pool.from(bytes);
    using pieces = pool.from(
      Array.from({ length: 50 }, (_, i) =>
        bytes.subarray(Math.floor((size * i) / 50), Math.floor((size * (i + 1)) / 50)),
      ),
    );
    using other = pool.from(bytes);
    other.append('!');
    const tag = await contentTag(whole);
    assert.match(tag, STRONG);
    assert.equal(tag, `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 24)}"`);
    assert.equal(await contentTag(pieces), tag);
    assert.notEqual(await contentTag(other), tag);
  }
});

test('many large contents are hashed one step a turn', async () => {
  using pool = createPool();
  const contents = Array.from({ length: 4 }, (_, i) => pool.from(Buffer.alloc(4 * MIB, i + 1)));
  let turns = 0;
  let hashing = true;
  const count = (): void => {
    turns += 1;
    if (hashing) setImmediate(count);
  };
  setImmediate(count);
  const tags = await Promise.all(contents.map(content => contentTag(content)));
  hashing = false;
  for (const content of contents) content.release();
  assert.equal(new Set(tags).size, 4);
  // Four times eight steps of half a MiB.
  assert(turns >= 30, `${turns} turns`);
});

test('a content that is released meanwhile is hashed to its end', async () => {
  using pool = createPool();
  const bytes = Buffer.alloc(2 * MIB, 'x');
  const content = pool.from(bytes);
  const tag = contentTag(content);
  content.release();
  pool.from(Buffer.alloc(2 * MIB, 'y')).release();
  assert.equal(await tag, `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 24)}"`);
  assert.equal(pool.stats().bytesLive, 0);
});

test('hashing ends with the reason of its signal, and holds nothing', async () => {
  using pool = createPool();
  const content = pool.from(Buffer.alloc(4 * MIB));
  const controller = new AbortController();
  const tag = contentTag(content, controller.signal);
  content.release();
  controller.abort(new Error('enough'));
  await assert.rejects(tag, /enough/);
  assert.equal(pool.stats().bytesLive, 0);
});

test('the tag of a version is strong once it is settled, and changes with all of it', () => {
  const version = { device: 1n, inode: 2n, size: 3, mtimeNs: 4n, ctimeNs: 5n };
  const tag = versionTag(version, true);
  assert.match(tag, STRONG);
  assert.equal(versionTag({ ...version }, true), tag);
  for (const change of [{ device: 9n }, { inode: 9n }, { size: 9 }, { mtimeNs: 9n }, { ctimeNs: 9n }]) {
    assert.notEqual(versionTag({ ...version, ...change }, true), tag);
  }
  assert.equal(versionTag(version, false), `W/${tag}`);
});
