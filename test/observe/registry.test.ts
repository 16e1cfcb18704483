import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { AnswerMetrics } from '../../src/observe/answer-metrics.ts';
import { observeAnswers } from '../../src/observe/answer-readings.ts';
import { contentType, registry } from '../../src/observe/registry.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';
import { sumOfMetric } from './support/readings.ts';

test('pools, caches and channels are in the figures of their process', async () => {
  const before = await sumOfMetric('iolite_pool_buffers_total');
  using pool = createPool();
  pool.from('some bytes').release();
  assert.equal(await sumOfMetric('iolite_pool_buffers_total'), before + 1);

  using folder = new Folder();
  writeFileSync(folder.file('file'), 'content');
  using cache = createFileCache({ budget: 8 * 1024 ** 2 });
  for (let i = 0; i < 3; i++) (await cache.read(folder.file('file'))).release();
  assert.equal(await sumOfMetric('iolite_cache_entries'), 1);
  assert.equal(await sumOfMetric('iolite_cache_misses_total'), 1);
  assert.equal(await sumOfMetric('iolite_cache_hits_total'), 2);
  assert.equal(await sumOfMetric('iolite_cache_budget_bytes'), 8 * 1024 ** 2);
  assert.ok((await sumOfMetric('iolite_cache_bytes')) > 0);

  using pair = new ChannelPair();
  await pair.near.ready();
  const asked = new Promise<() => void>(resolve =>
    pair.far.onRequest(() => new Promise(answer => resolve(() => answer({})))),
  );
  const answered = pair.near.request({ head: 'later' });
  const answer = await watchdog(asked, 'the request');
  assert.equal(await sumOfMetric('iolite_channel_pending_requests'), 1);
  assert.equal(await sumOfMetric('iolite_channels'), 2);
  answer();
  await watchdog(answered, 'the answer');
  assert.equal(await sumOfMetric('iolite_channel_pending_requests'), 0);
});

test("the text is Prometheus', with a type and a help for each metric", async () => {
  const metrics = new AnswerMetrics(undefined, true);
  observeAnswers(metrics);
  metrics.answered({ lane: 'lane', method: 'GET', status: 200, bytes: 7, duration: 3 });
  const text = await registry.metrics();
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(text, /^iolite_requests_total\{lane="lane",method="GET",status="200"\} 1$/m);
  assert.match(text, /^iolite_request_duration_seconds_bucket\{lane="lane",le="0.0025"\} 0$/m);
  assert.match(text, /^iolite_request_duration_seconds_bucket\{lane="lane",le="\+Inf"\} 1$/m);
  assert.match(text, /^iolite_request_duration_seconds_sum\{lane="lane"\} 0.003$/m);
  const names = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
  for (const [name, type] of names) {
    assert.match(text, new RegExp(`^# HELP ${name} .`, 'm'));
    assert.equal(type === 'counter', name?.endsWith('_total'), name);
  }
});
