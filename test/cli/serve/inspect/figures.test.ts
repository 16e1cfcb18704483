import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ageText,
  barScale,
  bytesText,
  countsBetween,
  countText,
  partText,
  percentileOf,
  ratesBetween,
  secondsText,
} from '../../../../src/cli/serve/inspect/figures.ts';
import type { InspectorStatus } from '../../../../src/cli/serve/inspect/inspector-status.ts';

function statusAt(seconds: number, requests: number, hits: number): InspectorStatus {
  return {
    time: new Date(seconds * 1000).toISOString(),
    requests: [
      { lane: 'lane', status: '200', count: requests },
      { lane: 'node', status: '404', count: 2 * requests },
    ],
    cache: { hits, misses: 10 },
    durations: [
      {
        lane: 'lane',
        sum: 1,
        buckets: [
          [0.001, requests],
          [0.01, 2 * requests],
          [null, 2 * requests],
        ],
      },
    ],
    bodyBytes: 100 * requests,
  } as unknown as InspectorStatus;
}

test('rates are what came between two looks, a second', () => {
  const rates = ratesBetween(statusAt(10, 100, 0), statusAt(12, 300, 90));
  assert.deepEqual([rates.seconds, rates.requests, rates.bytes, rates.hitPart], [2, 300, 10_000, 1]);
  assert.deepEqual(rates.byStatus, [
    { name: '2xx', value: 100 },
    { name: '4xx', value: 200 },
  ]);
  assert.deepEqual(
    rates.byLane.map(({ name }) => name),
    ['lane', 'node'],
  );
  assert.equal(rates.p50, 0.001);
  assert.ok(Math.abs((rates.p90 ?? 0) - 0.0082) < 1e-9);
  const restarted = ratesBetween(statusAt(10, 100, 50), statusAt(11, 0, 0));
  assert.deepEqual([restarted.requests, restarted.hitPart, restarted.p50], [0, undefined, undefined]);
});

test('a percentile lies within its range; above all ends it is the last end', () => {
  const counts = countsBetween(
    [],
    [
      {
        lane: 'a',
        sum: 0,
        buckets: [
          [1, 10],
          [2, 10],
          [null, 20],
        ],
      },
    ],
  );
  assert.equal(percentileOf(counts, 0.25), 0.5);
  assert.equal(percentileOf(counts, 0.99), 2);
  assert.equal(percentileOf([], 0.5), undefined);
});

test('figures as people read them', () => {
  assert.deepEqual([0, 1023, 1536, 150 * 1024 ** 2].map(bytesText), ['0 B', '1023 B', '1.5 KiB', '150 MiB']);
  assert.deepEqual([7, 12_345, 1_234_567, 2e9].map(countText), ['7', '12,345', '1.23 M', '2.00 G']);
  assert.deepEqual([undefined, 0.00035, 0.0012, 0.034, 3.44].map(secondsText), [
    '–',
    '350 µs',
    '1.2 ms',
    '34 ms',
    '3.4 s',
  ]);
  assert.deepEqual([999, 61_000, 7_200_000, 2e8].map(ageText), ['0 s', '1 min', '2 h', '2 d']);
  assert.deepEqual([undefined, 0.9934].map(partText), ['–', '99.3 %']);
});

test('bars show what is used: a budget that is far more goes on beyond their scale', () => {
  const mib = 2 ** 20;
  assert.deepEqual(barScale([3 * mib, 6 * mib], 16 * mib), { bytes: 16 * mib, note: undefined });
  assert.deepEqual(barScale([3 * mib, 20 * mib], 16 * mib), { bytes: 20 * mib, note: undefined });
  assert.deepEqual(barScale([3 * mib, 8 * mib], 1024 * mib), {
    bytes: 10 * mib,
    note: 'Bars end at 10.0 MiB; the budget is 1.0 GiB.',
  });
  assert.deepEqual(barScale([0, 0], 16 * mib), { bytes: 16 * mib, note: undefined });
  assert.equal(barScale([0], 0).bytes, 1);
});
