import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerAmong } from '../../../src/cluster/pulls/owners.ts';

const machines = ['a', 'b', 'c', 'd'].map(name => ({ name, weight: 1 }));
const targets = Array.from({ length: 2000 }, (_, index) => `http://shop.example/${index}`);

test('all say the same, in whatever order they know of each other; nobody owns nothing', () => {
  for (const target of targets.slice(0, 100))
    assert.equal(ownerAmong(machines, target), ownerAmong([...machines].reverse(), target));
  assert.equal(ownerAmong([], 'http://shop.example/'), undefined);
});

test('where one leaves, only what it had goes to others, by turns', () => {
  const left = machines.slice(1);
  const heirs = new Set<string | undefined>();
  for (const target of targets) {
    const before = ownerAmong(machines, target);
    const now = ownerAmong(left, target);
    if (before?.name === 'a') heirs.add(now?.name);
    else assert.equal(now, before);
  }
  assert.deepEqual([...heirs].sort(), ['b', 'c', 'd']);
});

test('they own in proportion to their weights', () => {
  const two = [
    { name: 'small', weight: 1 },
    { name: 'large', weight: 3 },
  ];
  const large = targets.filter(target => ownerAmong(two, target)?.name === 'large').length;
  assert.ok(large > 1400 && large < 1600, `${large} of 2000`);
});
