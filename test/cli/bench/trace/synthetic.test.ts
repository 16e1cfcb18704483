import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticTrace } from '../../../../src/cli/bench/trace/synthetic.ts';

const OPTIONS = { requests: 200_000, objects: 5000, alpha: 0.9, seed: 7 };

test('a synthetic trace is the same for the same seed, and another for another', () => {
  assert.deepEqual(syntheticTrace(OPTIONS), syntheticTrace(OPTIONS));
  assert.notDeepEqual(syntheticTrace(OPTIONS).files, syntheticTrace({ ...OPTIONS, seed: 8 }).files);
});

test('sizes have a mean of 17 KB, and a median far below', () => {
  const { distinctBytes, names, files, sizes } = syntheticTrace({ ...OPTIONS, alpha: 0 });
  const mean = distinctBytes / names.length / 1024;
  assert(mean > 14 && mean < 20, `a mean of ${mean}`);
  const sizeOf = new Map<number, number>();
  for (const [i, file] of files.entries()) sizeOf.set(file, sizes[i] as number);
  const sorted = [...sizeOf.values()].sort((a, b) => a - b);
  const median = (sorted[Math.floor(sorted.length / 2)] as number) / 1024;
  assert(median > 6 && median < 9, `a median of ${median}`);
});

test('popularity follows the law of Zipf', () => {
  const { names, files } = syntheticTrace(OPTIONS);
  const counts = new Map<string, number>();
  for (const file of files) {
    const name = names[file] as string;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const first = counts.get('/0') as number;
  for (const rank of [2, 5, 20]) {
    const ratio = (counts.get(`/${rank - 1}`) as number) / first / rank ** -OPTIONS.alpha;
    assert(ratio > 0.9 && ratio < 1.1, `rank ${rank}: ${ratio} times the law`);
  }
});

test('a part of the requests is for files that are read once', () => {
  const { names, files, sizes } = syntheticTrace({ ...OPTIONS, once: 1 / 3 });
  const once = [...files].filter(file => names[file]?.startsWith('/once/'));
  assert.equal(new Set(once).size, once.length);
  assert(Math.abs(once.length / OPTIONS.requests - 1 / 3) < 0.01, `${once.length} files`);
  assert.equal(sizes.length, OPTIONS.requests);
  assert.deepEqual(syntheticTrace({ ...OPTIONS, once: 0 }), syntheticTrace(OPTIONS));
});

test('one file and one request are a trace, too', () => {
  const trace = syntheticTrace({ requests: 1, objects: 1, alpha: 0.9, seed: 0 });
  assert.deepEqual(trace.names, ['/0']);
  assert.equal(trace.distinctBytes, trace.sizes[0]);
});
