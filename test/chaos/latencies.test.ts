import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyClass, percentileOf } from '../../chaos/latencies.ts';

test('percentiles come from classes, right to a fifth', () => {
  const counts = new Map<number, number>();
  for (let ms = 1; ms <= 1000; ms++) {
    const index = latencyClass(ms);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  for (const part of [0.5, 0.9, 0.99]) {
    const found = percentileOf(counts, part);
    assert.ok(Math.abs(found - 1000 * part) < 200 * part, `${found} for ${part}`);
  }
  assert.equal(percentileOf(new Map(), 0.5), 0);
});
