import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMap } from '../../src/base/recent-map.ts';

test('what was used last is there, and no more than twice the limit', () => {
  const map = new RecentMap<number, number>(10);
  for (let i = 0; i < 1000; i++) {
    map.set(i, i);
    assert.ok(map.size <= 20);
    assert.equal(map.get(0), 0, `the one in use, after ${i}`);
    for (let back = 0; back < Math.min(i, 9); back++) assert.equal(map.get(i - back), i - back);
  }
  assert.equal(map.get(500), undefined);
});

test('what is deleted or set anew is so in whatever generation it is', () => {
  const map = new RecentMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  assert.deepEqual([map.get('a'), map.get('b')], [3, 2]);
  map.delete('a');
  map.delete('b');
  map.delete('c');
  assert.deepEqual([map.get('a'), map.get('b'), map.size], [undefined, undefined, 0]);
});
