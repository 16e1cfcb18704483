import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileQueryOf } from '../../../../src/cli/serve/inspect/inspector-queries.ts';

test('what is wrong in a query is as if it were not there', () => {
  const none = { search: '', order: 'uses', count: 50, after: undefined };
  for (const query of [
    '',
    'count=0',
    'count=-1',
    'count=x',
    'order=toString',
    'after=1',
    'after={}',
    'after={"value":1}',
  ])
    assert.deepEqual(fileQueryOf(new URLSearchParams(query)), none, query);
  const after = { value: 7, path: '/a b' };
  const given = new URLSearchParams({
    search: 'A',
    order: 'path',
    count: '1000000',
    after: JSON.stringify({ ...after, more: 1 }),
  });
  assert.deepEqual(fileQueryOf(given), { search: 'A', order: 'path', count: 200, after });
  assert.equal(fileQueryOf(new URLSearchParams({ search: 'x'.repeat(5000) })).search.length, 1000);
});
