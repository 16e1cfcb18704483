import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsField, readGroups } from '../../../../src/http/proxy/cluster/pulled-groups.ts';

test('groups are read as they were told, whatever is in their names', () => {
  const groups = ['a', 'b c', 'd,"e"', 'ü%'];
  assert.deepEqual(readGroups(groupsField(groups)), groups);
  assert.deepEqual(groupsField(undefined), []);
  assert.equal(readGroups([]), undefined);
  assert.deepEqual(readGroups(['Iolite-Groups', '%E0%A4%A']), ['%E0%A4%A']);
});
