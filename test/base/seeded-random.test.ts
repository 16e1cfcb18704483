import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/seeded-random.ts';

function series(seed: number, count: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.uniform());
}

test('the same seed makes the same numbers, another one others', () => {
  assert.deepEqual(series(7, 100), series(7, 100));
  const firsts = Array.from({ length: 1000 }, (_, seed) => series(seed, 1)[0]);
  assert.equal(new Set(firsts).size, 1000);
  // Its lower 32 bits count.
  assert.deepEqual(series(2 ** 32 + 7, 10), series(7, 10));
});

test('uniform() is spread over the whole from 0 to 1', () => {
  const numbers = series(1, 100_000);
  assert.ok(numbers.every(number => number >= 0 && number < 1));
  const counts = new Array<number>(10).fill(0);
  for (const number of numbers) counts[Math.floor(10 * number)] = (counts[Math.floor(10 * number)] ?? 0) + 1;
  // The numbers are always the same: so are these.
  for (const count of counts) assert.ok(count > 9700 && count < 10_300, counts.join());
});

test('normal() has mean 0, deviation 1, and the tails of the normal distribution', () => {
  const random = new SeededRandom(1);
  const numbers = Array.from({ length: 100_000 }, () => random.normal());
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
  assert.ok(Math.abs(mean) < 0.01, `${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.02, `${variance}`);
  const beyond = numbers.filter(number => Math.abs(number) > 1.96).length / numbers.length;
  assert.ok(Math.abs(beyond - 0.05) < 0.005, `${beyond}`);
});
