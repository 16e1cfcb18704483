import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentVersions } from '../../../src/store/directory/recent-versions.ts';
import { StoredVersion } from '../../../src/store/stored-version.ts';

const FOUND = { at: 0, count: 2 };

function versionOf(key: string): StoredVersion {
  return new StoredVersion(key, 1, {}, undefined);
}

test('what is remembered is released as it goes: replaced, wrong, or with all', () => {
  const versions = new RecentVersions(() => true);
  const [first, second, other] = [versionOf('a'), versionOf('a'), versionOf('b')];
  versions.add(first, FOUND);
  assert.equal(versions.get('a')?.held, first);
  versions.add(second, FOUND);
  versions.add(other, undefined);
  assert.deepEqual([first.references, second.references, versions.size], [0, 1, 2]);
  versions.drop(({ held }) => held === other);
  assert.deepEqual([other.references, versions.get('b'), versions.size], [0, undefined, 1]);
  versions.close();
  assert.deepEqual([second.references, versions.size], [0, 0]);
});

test('however many are found, a bounded number is remembered: those that were used stay longest', () => {
  const versions = new RecentVersions(() => true);
  const all = Array.from({ length: 30_000 }, (_, index) => versionOf(`${index}`));
  for (const [index, held] of all.entries()) {
    versions.add(held, FOUND);
    // As after a look at all of them: what is not used from then on may go.
    if (index === 1000) versions.drop(() => false);
    const used = versions.get('7');
    if (used !== undefined) used.isRecent = true;
    assert.ok(versions.size <= 8192);
  }
  assert.equal(all.filter(({ references }) => references === 1).length, versions.size);
  assert.ok(versions.size > 1000);
  versions.clear();
  assert.ok(all.every(({ references }) => references === 0));
});
