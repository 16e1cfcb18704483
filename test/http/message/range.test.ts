import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contentRange, parseRanges } from '../../../src/http/message/range.ts';

for (const [field, expected] of [
  ['bytes=0-9', [[0, 10]]],
  ['BYTES=0-9', [[0, 10]]],
  ['bytes=10-', [[10, 100]]],
  ['bytes=-10', [[90, 100]]],
  ['bytes=-1000', [[0, 100]]],
  ['bytes=0-1000', [[0, 100]]],
  ['bytes=99-99', [[99, 100]]],
  [
    'bytes=0-0, -1',
    [
      [0, 1],
      [99, 100],
    ],
  ],
  [
    'bytes=50-59,0-9',
    [
      [50, 60],
      [0, 10],
    ],
  ],
  ['bytes=0-9,5-14', [[0, 15]]],
  ['bytes=0-9,10-19', [[0, 20]]],
  ['bytes=0-9,200-', [[0, 10]]],
  [
    'bytes=-2,0-0,6-95,-6',
    [
      [6, 100],
      [0, 1],
    ],
  ],
  ['bytes=100-', []],
  ['bytes=-0', []],
  ['bytes=200-300', []],
  [undefined, undefined],
  ['', undefined],
  ['bytes', undefined],
  ['bytes=', undefined],
  ['bytes=a-b', undefined],
  ['bytes=0x1-0x2', undefined],
  ['bytes=1.5-2', undefined],
  ['bytes=-', undefined],
  ['bytes=--5', undefined],
  ['bytes=1-2-3', undefined],
  ['bytes=\r-1', undefined],
  ['bytes=0 -1', undefined],
  ['bytes=\xa0-1', undefined],
  ['items=0-9', undefined],
  [`bytes=${'0-0,'.repeat(64)}1-1`, undefined],
] as const) {
  test(`parseRanges('${String(field).slice(0, 30)}')`, () => {
    assert.deepEqual(
      parseRanges(field, 100)?.map(({ start, end }) => [start, end]),
      expected,
    );
  });
}

test('parseRanges() of nothing has nothing', () => {
  assert.deepEqual(parseRanges('bytes=0-', 0), []);
  assert.deepEqual(parseRanges('bytes=-5', 0), []);
});

test('parseRanges() never gives more than the whole, and what is asked for lies in it', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(300), fc.nat(300)).map(([first, last]) => `${first}-${last}`),
    fc.nat(300).map(first => `${first}-`),
    fc.nat(300).map(last => `-${last}`),
  );
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.nat(200), (specs, size) => {
      const ranges = parseRanges(`bytes=${specs.join(', ')}`, size);
      if (ranges === undefined) return;
      const seen = new Uint8Array(size);
      for (const { start, end } of ranges) {
        assert(start >= 0 && start < end && end <= size);
        for (let at = start; at < end; at++) seen[at] = (seen[at] ?? 0) + 1;
      }
      const wanted = Array.from(seen, (_, at) => (specs.some(each => names(each, at, size)) ? 1 : 0));
      assert.deepEqual([...seen], wanted);
    }),
  );
});

function names(spec: string, at: number, size: number): boolean {
  const [first, last] = spec.split('-') as [string, string];
  if (first === '') return at >= size - Number(last);
  return at >= Number(first) && (last === '' || at <= Number(last));
}

test('contentRange() counts to the last byte', () => {
  assert.equal(contentRange({ start: 0, end: 10 }, 100), 'bytes 0-9/100');
});
