import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerMetrics, figuresOf, NO_FIGURES } from '../../src/observe/answer-metrics.ts';

test('answers are counted, and the figures go to another process as JSON', () => {
  const metrics = new AnswerMetrics();
  assert.deepEqual(metrics.figures(), NO_FIGURES);
  for (const status of [200, 404, 500]) metrics.answered({ status, bytes: 1, duration: 0 });
  assert.deepEqual(figuresOf(JSON.parse(JSON.stringify(metrics.figures()))), { requests: 3, unlogged: 0 });
});

test('what the log has no line of is counted', () => {
  assert.deepEqual(new AnswerMetrics(() => 7).figures(), { requests: 0, unlogged: 7 });
});

test('what another process did not tell, or told wrongly, is 0', () => {
  for (const told of [
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { requests: 'many' },
    { requests: null, other: 1 },
  ]) {
    assert.deepEqual(figuresOf(told), NO_FIGURES);
  }
});
