import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now } from '../../../src/base/clock.ts';
import { FileGroup } from '../../../src/file/watch/file-group.ts';

const LIFE_MS = 3_600_000;

test('the term of a group ends no later than the oldest look at its files is good for', () => {
  const group = new FileGroup();
  assert.equal(group.isRunning, false);
  const time = now();
  group.add('a', time, LIFE_MS);
  const { term } = group;
  assert.deepEqual([group.confirmedAt, term.until, group.isRunning], [time, time + LIFE_MS, true]);
  group.add('b', time + 5, LIFE_MS);
  assert.deepEqual([group.confirmedAt, term.until], [time, time + LIFE_MS]);
  group.add('c', time - 7, LIFE_MS);
  assert.deepEqual([group.confirmedAt, term.until], [time - 7, time - 7 + LIFE_MS]);
  group.confirm(time + 10, LIFE_MS);
  assert.deepEqual([group.confirmedAt, term.until], [time + 10, time + 10 + LIFE_MS]);
  assert.equal(group.term, term);
});

test('a term that has run out does not come back: who has it asks anew', () => {
  const group = new FileGroup();
  group.add('a', now(), LIFE_MS);
  const { term } = group;
  group.shorten(0);
  assert.equal(group.isRunning, false);
  group.add('b', now(), LIFE_MS);
  assert.notEqual(group.term, term);
  assert.notEqual(group.term.id, term.id);
  assert.ok(term.until <= now());
  const { until } = group.term;
  group.shorten(2 * LIFE_MS);
  assert.equal(group.term.until, until);
});
