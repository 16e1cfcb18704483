import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DURATION_FIGURES, DurationHistogram, durationsIn } from '../../src/observe/duration-histogram.ts';
import { histogramValues } from '../../src/observe/histogram-values.ts';

test('a histogram goes to others as figures, and is the same again', () => {
  const histogram = new DurationHistogram();
  for (const ms of [0.1, 0.1, 3, 60_000]) histogram.add(ms);
  const figures = histogram.figures();
  assert.deepEqual(Object.keys(figures).sort(), [...DURATION_FIGURES].sort());
  assert.deepEqual(durationsIn(figures), histogram);
});

test('ranges hold all that is below them', () => {
  const histogram = new DurationHistogram();
  for (const ms of [0.1, 0.1, 3, 60_000]) histogram.add(ms);
  const values = histogramValues('seconds', { of: 'this' }, histogram);
  const value = (name: string, le?: string): number | undefined =>
    values.find(each => each.metricName === name && each.labels.le === le && each.labels.of === 'this')
      ?.value;
  assert.equal(value('seconds_bucket', '0.0005'), 2);
  assert.equal(value('seconds_bucket', '0.0025'), 2);
  assert.equal(value('seconds_bucket', '0.005'), 3);
  assert.equal(value('seconds_bucket', '10'), 3);
  assert.equal(value('seconds_bucket', '+Inf'), 4);
  assert.equal(value('seconds_count'), 4);
  assert.equal(value('seconds_sum'), 60.0032);
});
