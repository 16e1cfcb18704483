import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareTree } from '../../src/aggregate/byte-sequence.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { StoredVersion } from '../../src/store/stored-version.ts';
import { VersionContent } from '../../src/store/version-content.ts';

test('a version is in use as long as content that was read from it is not released', () => {
  const pool = createPool({ name: 'version-test' });
  const whole = pool.from('all of the content');
  const version = new StoredVersion('key', 1, {}, whole);
  let hasEnded = false;
  version.onEnd = () => {
    hasEnded = true;
  };
  const first = new VersionContent(version);
  using part = first.slice(0, 3);
  const second = new VersionContent(version, part);
  assert.deepEqual([first.toString(), second.toString()], ['all of the content', 'all']);
  assert.equal(version.inUse, true);
  first.release();
  assert.equal(version.inUse, true);
  second.release();
  assert.equal(version.inUse, false);
  assert.equal(hasEnded, false);
  version.release();
  assert.equal(hasEnded, true);
  part.release();
  assert.equal(pool.stats().bytesUsed, 0);
});

test('a version that nobody else holds lasts as long as its content', () => {
  const pool = createPool({ name: 'version-test' });
  const whole = pool.from('content');
  const version = new StoredVersion('key', 1, {}, whole);
  const content = new VersionContent(version);
  version.release();
  assert.equal(content.toString(), 'content');
  content.release();
  assert.equal(pool.stats().bytesUsed, 0);
});

test('a version of a tree makes an aggregate of it when it is asked for one, and ends with it', () => {
  for (const isAsked of [false, true]) {
    const pool = createPool({ name: 'version-test' });
    const whole = pool.from('content');
    const tree = shareTree(whole);
    whole.release();
    const version = new StoredVersion('key', 1, {}, tree);
    assert.equal(version.size, 7);
    if (isAsked) assert.equal(version.content, version.content);
    const content = new VersionContent(version);
    assert.equal(content.toString(), 'content');
    if (isAsked) assert.equal(version.content?.toString(), 'content');
    version.release();
    assert.equal(content.toString(), 'content');
    assert.ok(pool.stats().bytesUsed > 0);
    content.release();
    assert.equal(pool.stats().bytesUsed, 0);
    assert.deepEqual([version.content, version.slice, version.hasContent], [undefined, undefined, false]);
    pool.close();
  }
});
