import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultBudget } from '../../../src/store/governor/default-budget.ts';

const MiB = 1024 ** 2;

/** In MiB. */
function budget(memory: number, processes = 1, most = 1024): number {
  return Math.floor(defaultBudget({ most: most * MiB, processes, memory: memory * MiB }) / MiB);
}

test('a cache has a quarter of the memory, up to a bound', () => {
  assert.equal(budget(2048), 512);
  assert.equal(budget(64 * 1024), 1024);
  assert.equal(budget(64 * 1024, 1, 64), 64);
});

test('where there is little, processes come first', () => {
  assert.equal(budget(256, 3), 64);
  assert.equal(budget(256, 5), 32);
  assert.equal(budget(160, 3), 16);
});

test('a container that is ours leaves a cache most of what processes do not need', () => {
  const ours = (memory: number, processes: number): number =>
    Math.floor(defaultBudget({ most: 1024 * MiB, processes, isOurs: true, memory: memory * MiB }) / MiB);
  assert.deepEqual([ours(300, 2), ours(256, 3), ours(160, 3), ours(4096, 3)], [142, 89, 22, 1024]);
  assert.equal(ours(8, 3), 2);
});

test('where there is next to nothing, a cache has next to nothing', () => {
  assert.equal(budget(96, 3), 4);
  assert.equal(budget(8, 3), 2);
  assert.equal(budget(0), 0);
});

test('on this machine there is some', () => {
  const bytes = defaultBudget({ most: 64 * MiB });
  assert.ok(bytes > 0 && bytes <= 64 * MiB && Number.isInteger(bytes));
});
