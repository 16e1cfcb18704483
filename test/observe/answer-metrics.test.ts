import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnswerLane, AnswerMetrics } from '../../src/observe/answer-metrics.ts';
import type { DurationHistogram } from '../../src/observe/duration-histogram.ts';

test('answers are counted', () => {
  const metrics = new AnswerMetrics();
  assert.deepEqual(metrics.figures(), { requests: 0, unlogged: 0 });
  for (const status of [200, 404, 500]) {
    metrics.answered({ method: 'GET', lane: 'lane', status, bytes: 1, duration: 0 });
  }
  assert.deepEqual(metrics.figures(), { requests: 3, unlogged: 0 });
});

test('answers are counted by lane, method and status; methods of others are one', () => {
  const metrics = new AnswerMetrics(undefined, true);
  const told = (lane: AnswerLane, method: string, status: number, duration: number): void =>
    metrics.answered({ lane, method, status, bytes: 10, duration });
  for (let i = 0; i < 3; i++) told('lane', 'GET', 200, 0.1);
  told('http2', 'PROPFIND', 599, 30_000);
  told('http2', 'MKCOL', 599, 10_000);
  told('node', 'HEAD', 100, 1);
  assert.deepEqual(metrics.counts(), [
    { lane: 'lane', method: 'GET', status: 200, count: 3 },
    { lane: 'http2', method: 'other', status: 599, count: 2 },
    { lane: 'node', method: 'HEAD', status: 100, count: 1 },
  ]);
  assert.equal(metrics.bytes, 60);
  const { http2, lane, node } = Object.fromEntries(metrics.durations) as Record<
    AnswerLane,
    DurationHistogram
  >;
  assert.deepEqual([lane.counts[0], node.counts[1], http2.counts.slice(-2)], [3, 1, [1, 1]]);
  assert.equal(http2.sumMs, 40_000);
});

test('what the log has no line of is counted', () => {
  assert.deepEqual(new AnswerMetrics(() => 7).figures(), { requests: 0, unlogged: 7 });
});

test('an answer that was under way when somebody began to look has no duration', () => {
  const metrics = new AnswerMetrics();
  metrics.wantsDuration = true;
  for (const duration of [0, 5])
    metrics.answered({ method: 'GET', lane: 'lane', status: 200, bytes: 1, duration });
  assert.equal(
    metrics.durations.get('lane')?.counts.reduce((sum, count) => sum + count, 0),
    1,
  );
});
