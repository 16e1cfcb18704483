import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToldFigures } from '../../../../src/cli/serve/inspect/told-figures.ts';
import type { MetricReading } from '../../../../src/observe/metric.ts';

function told(count: number): MetricReading[] {
  const common = { help: '', type: 'counter', aggregator: 'sum' } as const;
  const bucket = (le: string, value: number) => ({
    labels: { lane: 'lane', le },
    value,
    metricName: 'd_bucket',
  });
  return [
    { ...common, name: 'a_total', values: [{ labels: { lane: 'lane', status: '200' }, value: count }] },
    {
      ...common,
      name: 'd',
      values: [
        bucket('0.1', count),
        bucket('+Inf', 2 * count),
        { labels: { lane: 'lane' }, value: 3, metricName: 'd_sum' },
        { labels: { lane: 'lane' }, value: 2 * count, metricName: 'd_count' },
      ],
    },
  ];
}

test('what several processes tell becomes sums, also by a label', () => {
  const figures = new ToldFigures([told(1), told(10), []]);
  assert.equal(figures.sum('a_total'), 11);
  assert.equal(figures.sum('a_total', { lane: 'node' }), 0);
  assert.equal(figures.known('nothing'), undefined);
  assert.deepEqual(figures.by('a_total', 'status'), [{ name: '200', value: 11 }]);
  assert.deepEqual(figures.named('a_'), ['a_total']);
  assert.deepEqual(figures.durations('d'), [
    {
      lane: 'lane',
      sum: 6,
      buckets: [
        [0.1, 11],
        [null, 22],
      ],
    },
  ]);
});
