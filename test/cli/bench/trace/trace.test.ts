import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TraceBuilder } from '../../../../src/cli/bench/trace/trace.ts';

const requests = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    size: fc.option(fc.nat(1000), { nil: undefined }),
  }),
  { maxLength: 30 },
);

function builderOf(requests: readonly { name: string; size: number | undefined }[]): TraceBuilder {
  const builder = new TraceBuilder();
  for (const { name, size } of requests) builder.add(name, size);
  return builder;
}

test('a trace with stated sizes is the requests in their order', () => {
  fc.assert(
    fc.property(requests, requests => {
      const { names, files, sizes } = builderOf(requests).withStatedSizes();
      assert.deepEqual(
        Array.from(files, (file, i) => ({ name: names[file], size: sizes[i] })),
        requests.map(({ name, size = Number.NaN }) => ({ name, size })),
      );
    }),
  );
});

test('a trace with largest sizes has each file at its largest, and none that no request states', () => {
  fc.assert(
    fc.property(requests, requests => {
      const largest = new Map<string, number>();
      for (const { name, size } of requests) {
        if (size !== undefined) largest.set(name, Math.max(size, largest.get(name) ?? 0));
      }
      const { names, files, sizes, distinctBytes } = builderOf(requests).withLargestSizes();
      assert.deepEqual(
        Array.from(files, (file, i) => [names[file], sizes[i]]),
        requests.filter(({ name }) => largest.has(name)).map(({ name }) => [name, largest.get(name)]),
      );
      assert.equal(
        distinctBytes,
        [...largest.values()].reduce((sum, size) => sum + size, 0),
      );
    }),
  );
});

test('a trace grows', () => {
  const builder = new TraceBuilder();
  for (let i = 0; i < 5000; i++) builder.add(`${i % 3000}`, i);
  const { names, files, sizes } = builder.withStatedSizes();
  assert.deepEqual([names.length, files.length, sizes.length], [3000, 5000, 5000]);
  assert.deepEqual([names[files[4999] as number], sizes[4999]], ['1999', 4999]);
});
