import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Draw, seedOf } from '../../chaos/draw.ts';

test('the same seed draws the same, another one something else', () => {
  const drawn = (seed: number) => {
    const draw = new Draw(seed);
    return Array.from({ length: 20 }, () => [
      draw.integer(0, 1000),
      draw.pick(['a', 'b', 'c']),
      draw.wait(7),
    ]);
  };
  assert.deepEqual(drawn(7), drawn(7));
  assert.notDeepEqual(drawn(7), drawn(8));
  assert.equal(seedOf(1, 'd0 1'), seedOf(1, 'd0 1'));
  assert.notEqual(seedOf(1, 'd0 1'), seedOf(1, 'd0 2'));
});

test('what is drawn lies within its bounds, and weights count', () => {
  const draw = new Draw(1);
  const counts = { often: 0, seldom: 0, never: 0 };
  for (let times = 0; times < 2000; times++) {
    assert.ok([3, 4, 5].includes(draw.integer(3, 5)));
    const size = draw.size(24, 4096);
    assert.ok(size >= 24 && size <= 4096 && Number.isInteger(size));
    counts[draw.weighted({ often: 9, seldom: 1, never: 0 })] += 1;
  }
  assert.equal(counts.never, 0);
  assert.ok(counts.seldom > 0 && counts.often > 5 * counts.seldom);
});
