import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP_FIELDS, groupsOf, invalidatedGroups } from '../../../../src/http/proxy/cache/groups.ts';

test('groups come from Cache-Groups, and from the fields that are named', () => {
  const headers = [
    ...['Cache-Groups', '"a", "b"', 'Cache-Groups', '"c"'],
    ...['Surrogate-Key', 'b d  e', 'Cache-Tag', 'f g, h,'],
  ];
  assert.deepEqual(groupsOf(headers, []), ['a', 'b', 'c']);
  assert.deepEqual(groupsOf(headers, ['surrogate-key']), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(groupsOf(headers, GROUP_FIELDS), ['a', 'b', 'c', 'd', 'e', 'f g', 'h']);
  assert.equal(groupsOf(['Cache-Groups', 'a'], []), undefined);
  assert.equal(groupsOf([], GROUP_FIELDS), undefined);
});

test('there are so many groups, of so many characters', () => {
  const names = Array.from({ length: 200 }, (_, number) => `"${number}"`);
  assert.equal(groupsOf(['Cache-Groups', names.join()], [])?.length, 128);
  assert.equal(groupsOf(['Cache-Groups', `"${'x'.repeat(257)}"`], []), undefined);
});

test('groups that a change ends are those of Cache-Group-Invalidation', () => {
  assert.deepEqual(invalidatedGroups(['Cache-Group-Invalidation', '"a", "b"']), ['a', 'b']);
  assert.deepEqual(invalidatedGroups(['Cache-Group-Invalidation', 'a']), []);
});
