import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growing, growthOf } from '../../../chaos/soak/growth.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';

/** Noise about a line, with steps as of a garbage collector. */
function measured(seed: number, slope: number, count = 120): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, at) => 100 + slope * at + 5 * random.normal() + 10 * (at % 7));
}

test('a planted growth is found in noise, with a slope about right', () => {
  const { slope, least, chance } = growthOf(measured(1, 1));
  assert.ok(Math.abs(slope - 1) < 0.2, `${slope}`);
  assert.ok(least > 0.5 && least <= slope, `${least}`);
  assert.ok(chance < 1e-6);
  const [found] = growing([{ name: 'memory', values: measured(1, 1), slack: 10 }], 0.25);
  assert.match(found ?? 'nothing', /^memory grew by [0-9.]+ in 90 samples/);
});

test('what only varies, falls, or stays, does not grow', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const series = { name: 'n', values: measured(seed, 0), slack: 10 };
    assert.deepEqual(growing([series], 0.25), [], `seed ${seed}`);
  }
  assert.deepEqual(growing([{ name: 'n', values: measured(1, -1), slack: 0 }], 0), []);
  assert.deepEqual(growing([{ name: 'n', values: Array(100).fill(7), slack: 0 }], 0), []);
});

test('what grows while it warms up, and no more, does not count; nor what matters to nobody', () => {
  const warmed = Array.from({ length: 100 }, (_, at) => Math.min(at, 25) * 4 + (at % 3));
  assert.deepEqual(growing([{ name: 'n', values: warmed, slack: 1 }], 0.3), []);
  assert.notDeepEqual(growing([{ name: 'n', values: warmed, slack: 1 }], 0), []);
  assert.deepEqual(growing([{ name: 'n', values: measured(1, 0.5), slack: 1000 }], 0), []);
});

test('the chance is that of the normal distribution', () => {
  // Five that rise: a score of 10, of a variance of 50/3.
  const { chance } = growthOf([1, 2, 3, 4, 5]);
  assert.ok(Math.abs(chance - 0.01374) < 0.0002, `${chance}`);
});

test('what goes up and down with something else grows if it rises without that', () => {
  const random = new SeededRandom(5);
  const noise = (): number => 20 * (random.uniform() - 0.5);
  // A machine that has eight times as much to give to the end, after other work.
  const driver = Array.from(
    { length: 120 },
    (_, at) => 40 + (at < 80 ? 0 : 200 * ((at - 80) / 40)) + 30 * random.uniform(),
  );
  const driven = driver.map(value => 500 + 120 * Math.log(value) + noise());
  const series = (values: readonly number[], cause?: readonly number[]) =>
    growing([{ name: 'memory', values, slack: 24, driver: cause }], 0.3);
  assert.match(series(driven)[0] ?? '', /^memory grew/);
  assert.deepEqual(series(driven, driver), []);
  const leak = driven.map((value, at) => value + 1.5 * at);
  assert.match(series(leak, driver)[0] ?? '', /^memory grew/);
});
