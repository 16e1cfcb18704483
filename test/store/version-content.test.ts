import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  const first = new VersionContent(whole, version);
  using part = whole.slice(0, 3);
  const second = new VersionContent(part, version);
  assert.deepEqual([first.toString(), second.toString()], ['all of the content', 'all']);
  assert.equal(version.inUse, true);
  first.release();
  assert.equal(version.inUse, true);
  second.release();
  assert.equal(version.inUse, false);
  assert.equal(hasEnded, false);
  version.release();
  assert.equal(hasEnded, true);
  assert.equal(whole.released, true);
});

test('a version that nobody else holds lasts as long as its content', () => {
  const pool = createPool({ name: 'version-test' });
  const whole = pool.from('content');
  const version = new StoredVersion('key', 1, {}, whole);
  using content = new VersionContent(whole, version);
  version.release();
  assert.equal(whole.released, false);
  assert.equal(content.toString(), 'content');
});
