import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { Encoder, type EncodingJob, isWorthEncoding } from '../../../src/file/content/encodings.ts';
import type { Form } from '../../../src/file/content/form.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A job, and what became of it. Its content has a chunk of its own: then it shows when it is released. */
function jobFor(content: Aggregate) {
  const controller = new AbortController();
  const made: Form[] = [];
  const { promise, resolve } = withResolver();
  const job: EncodingJob = {
    content: () => content,
    signal: controller.signal,
    keep: forms => {
      made.push(...forms);
      resolve();
    },
  };
  return {
    job,
    controller,
    done: () => watchdog(promise, 'forms'),
    codings: () => made.map(({ coding }) => coding),
    bytesOf: (coding: string) => Buffer.concat(made.find(form => form.coding === coding)?.parts ?? []),
    tags: () => made.map(({ etag }) => etag),
  };
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>(settle => {
    resolve = settle;
  });
  return { promise, resolve };
}

test('compressible content of a middle size is worth its forms', () => {
  assert(isWorthEncoding('text/html; charset=utf-8', 5000));
  assert(!isWorthEncoding('image/png', 5000));
  assert(!isWorthEncoding('text/html; charset=utf-8', 500));
  assert(!isWorthEncoding('text/html; charset=utf-8', 50_000_000));
});

test('forms are made of all contents, one after the other, and nothing is held after', async () => {
  using pool = createPool();
  const encoder = new Encoder();
  const texts = Array.from({ length: 20 }, (_, i) => `text ${i} `.repeat(40_000));
  const contents = texts.map(text => pool.from(text));
  const jobs = contents.map(jobFor);
  for (const { job } of jobs) assert(encoder.add(job));
  for (const [i, { done, codings, bytesOf }] of jobs.entries()) {
    await done();
    assert.deepEqual(codings(), ['br', 'gzip']);
    assert.equal(gunzipSync(bytesOf('gzip')).toString(), texts[i]);
    assert.equal(brotliDecompressSync(bytesOf('br')).toString(), texts[i]);
  }
  assert.equal(new Set(jobs.flatMap(({ tags }) => tags())).size, 2 * texts.length);
  for (const content of contents) content.release();
  await new Promise(setImmediate);
  assert.equal(pool.stats().bytesLive, 0);
});

test('forms that are hardly smaller are none', async () => {
  using pool = createPool();
  const encoder = new Encoder();
  using noise = pool.from(randomBytes(300_000));
  using text = pool.from('text '.repeat(60_000));
  const [first, second] = [jobFor(noise), jobFor(text)];
  encoder.add(first.job);
  encoder.add(second.job);
  await second.done();
  assert.deepEqual(first.codings(), []);
});

test('a version that goes takes its jobs with it, under way or waiting', async () => {
  using pool = createPool();
  const encoder = new Encoder();
  const content = pool.from('text '.repeat(200_000));
  const jobs = [1, 2, 3].map(() => jobFor(content));
  for (const { job } of jobs) encoder.add(job);
  const [first, second, third] = jobs as [(typeof jobs)[0], (typeof jobs)[0], (typeof jobs)[0]];
  first.controller.abort();
  second.controller.abort();
  await third.done();
  content.release();
  assert.deepEqual([first.codings(), second.codings(), third.codings()], [[], [], ['br', 'gzip']]);
  await new Promise(setImmediate);
  assert.equal(pool.stats().bytesLive, 0);
});

test('what cannot be kept does not keep others from being made', async () => {
  using pool = createPool();
  const encoder = new Encoder();
  using content = pool.from('text '.repeat(60_000));
  const { job } = jobFor(content);
  encoder.add({
    ...job,
    keep: () => {
      throw new Error('no room');
    },
  });
  const other = jobFor(content);
  encoder.add(other.job);
  await other.done();
});

test('a bounded number waits, and jobs given up take no time', async () => {
  using pool = createPool();
  const encoder = new Encoder();
  const content = pool.from('text '.repeat(60_000));
  let accepted = 0;
  const jobs = Array.from({ length: 1000 }, () => jobFor(content));
  for (const { job } of jobs) if (encoder.add(job)) accepted += 1;
  assert(accepted > 200 && accepted < 300, `${accepted} were accepted`);
  content.release();
  for (const { controller } of jobs) controller.abort();
  // The one under way ends within a step.
  const left = async (): Promise<void> => {
    while (pool.stats().bytesLive > 0) await new Promise(setImmediate);
  };
  await watchdog(left(), 'the end of the work');
});
