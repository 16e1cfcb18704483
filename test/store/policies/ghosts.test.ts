import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ghosts } from '../../../src/store/policies/ghosts.ts';

test('names are remembered up to a capacity, the oldest are forgotten first', () => {
  const ghosts = new Ghosts(1000);
  for (let i = 0; i < 12; i++) ghosts.add(`${i}`, 100);
  assert.equal(ghosts.take('1'), false);
  assert.equal(ghosts.take('2'), true);
  assert.equal(ghosts.take('2'), false);
});

test('names of empty files weigh something, too', () => {
  const ghosts = new Ghosts(640);
  for (let i = 0; i < 11; i++) ghosts.add(`${i}`, 0);
  assert.equal(ghosts.take('0'), false);
  assert.equal(ghosts.take('1'), true);
});

test('a name that comes again is remembered once, and as new', () => {
  const ghosts = new Ghosts(200);
  ghosts.add('a', 100);
  ghosts.add('b', 100);
  ghosts.add('a', 100);
  ghosts.add('c', 100);
  assert.equal(ghosts.take('b'), false);
  assert.equal(ghosts.take('a'), true);
});

test('what is larger than the capacity is not remembered', () => {
  const ghosts = new Ghosts(100);
  ghosts.add('a', 101);
  assert.equal(ghosts.take('a'), false);
});

test('a memory of names that is made smaller forgets the oldest, and one that is made larger fewer', () => {
  const ghosts = new Ghosts(1000);
  for (let i = 0; i < 10; i++) ghosts.add(`${i}`, 100);
  ghosts.resize(300);
  assert.deepEqual([ghosts.take('6'), ghosts.take('7')], [false, true]);
  ghosts.resize(1000);
  for (let i = 10; i < 18; i++) ghosts.add(`${i}`, 100);
  assert.deepEqual([ghosts.take('8'), ghosts.take('10')], [true, true]);
});
