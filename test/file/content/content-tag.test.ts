import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { contentTag, versionTag } from '../../../src/file/content/content-tag.ts';

const MIB = 1024 ** 2;
const STRONG = /^"[\w-]{24}"$/;

/** What the tag of bytes has to be. */
function expected(bytes: Buffer): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 24)}"`;
}

test('the tag of a content does not depend on how it is cut', async () => {
  const bytes = randomBytes(3 * MIB + 7);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(bytes.length), { maxLength: 8 }),
      fc.nat(bytes.length),
      async (cuts, size) => {
        const content = bytes.subarray(0, size);
        const borders = [0, ...cuts.filter(cut => cut < size).sort((a, b) => a - b), size];
        const parts = borders.slice(1).map((end, i) => content.subarray(borders[i], end));
        const tag = await contentTag(parts);
        assert.match(tag, STRONG);
        assert.equal(tag, expected(content));
      },
    ),
    { numRuns: 30 },
  );
});

test('many large contents are hashed one step a turn', async () => {
  const contents = Array.from({ length: 4 }, (_, i) => Buffer.alloc(4 * MIB, i + 1));
  let turns = 0;
  let hashing = true;
  const count = (): void => {
    turns += 1;
    if (hashing) setImmediate(count);
  };
  setImmediate(count);
  const tags = await Promise.all(contents.map(content => contentTag([content])));
  hashing = false;
  assert.equal(new Set(tags).size, 4);
  // Four times eight steps of half a MiB, of which the first need no turn.
  assert(turns >= 27, `${turns} turns`);
});

test('hashing ends with the reason of its signal', async () => {
  const controller = new AbortController();
  const tag = contentTag([Buffer.alloc(4 * MIB)], controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(tag, /enough/);
});

test('the tag of a version is that of its size and time, strong once a change shows in it', () => {
  const mtimeNs = 1_700_000_000_000_000_001n;
  const version = { device: 1n, inode: 2n, size: 3, mtimeNs, ctimeNs: 5n, names: 1 };
  const tag = versionTag(version);
  assert.match(tag, STRONG);
  for (const other of [{ device: 9n }, { inode: 9n }, { ctimeNs: 9n }]) {
    assert.equal(versionTag({ ...version, ...other }), tag);
  }
  for (const change of [{ size: 9 }, { mtimeNs: mtimeNs + 1n }]) {
    assert.notEqual(versionTag({ ...version, ...change }), tag);
  }
  assert.match(versionTag({ ...version, mtimeNs: BigInt(Date.now()) * 1_000_000n }), /^W\//);
});

test('the tag of a version whose date says nothing is weak', () => {
  const version = { device: 1n, inode: 2n, size: 3, ctimeNs: 5n, names: 1 };
  for (const mtimeNs of [0n, 1_000_000_000n, BigInt(Date.now() + 3_600_000) * 1_000_000n]) {
    assert.match(versionTag({ ...version, mtimeNs }), /^W\/"[\w-]{24}"$/);
  }
});
