/**
 * What a thousand times the slices cost: operations at random places of 16 MB in 1,000,000 slices against the
 * same 16 MB in 1000 slices. And against 16 KB in 1000 slices, all of which lies in the processor's nearest
 * caches: that measures the machine's memory as much as the tree. And the memory of a slice.
 */
import { Aggregate } from '../src/aggregate/aggregate.ts';
import { aggregateOfSlices } from '../src/aggregate/aggregate-of-slices.ts';
import { type Comparison, compare, repeat, report } from './harness.ts';

const SLICE_BYTES = 16;
const SLICES = 1_000_000;
/** Keeps results alive, so that no work is optimised away. */
let sink = 0;

/** One buffer cut into slices, backwards, so that none merge. */
function cut(buffer: Buffer, count: number): Aggregate {
  const adopted = Aggregate.adopt(buffer);
  const { lease } = adopted.slices()[0]!;
  const size = buffer.length / count;
  lease.retain(count);
  return aggregateOfSlices(
    Array.from({ length: count }, (_, i) => ({
      lease,
      start: (count - 1 - i) * size,
      end: (count - i) * size,
    })),
  );
}

const bytes = Buffer.alloc(SLICES * SLICE_BYTES, 'x');
globalThis.gc?.();
const before = process.memoryUsage();
const million = cut(bytes, SLICES);
globalThis.gc?.();
const bytesPerSlice = (process.memoryUsage().heapUsed - before.heapUsed) / SLICES;
const thousand = cut(bytes, 1000);
const small = cut(Buffer.alloc(1000 * SLICE_BYTES, 'x'), 1000);
const added = Aggregate.adopt(Buffer.alloc(SLICE_BYTES, 'y'));

let seed = 1;
const random = (below: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed % below;
};

const operations: [string, (whole: Aggregate) => void][] = [
  [
    'at',
    whole => {
      sink += whole.at(random(whole.length));
    },
  ],
  [
    'slice',
    whole => {
      const start = random(whole.length - SLICE_BYTES);
      const part = whole.slice(start, start + SLICE_BYTES);
      sink += part.length;
      part.release();
    },
  ],
  [
    'splice',
    whole => {
      const removed = whole.splice(random(whole.length - SLICE_BYTES), SLICE_BYTES, added);
      sink += removed.length;
      removed.release();
    },
  ],
];

const comparisons = operations.flatMap(([name, work]) =>
  [['the same bytes in 1000 slices', thousand] as const, ['1000 slices, 16 KB', small] as const].map(
    ([peerName, peer]): Comparison => ({
      name: `${name} at random places, ${SLICE_BYTES} bytes, 1,000,000 slices`,
      peerName,
      ours: repeat(() => work(million)),
      peer: repeat(() => work(peer)),
      oursTimes: 20_000,
      peerTimes: 20_000,
    }),
  ),
);

const results = await compare(comparisons, 7);
results.push({
  name: 'memory per slice beyond the data',
  ours: bytesPerSlice,
  peer: 100,
  peerName: 'the goal',
  unit: 'bytes',
  ratio: 100 / bytesPerSlice,
});
report('aggregate-scale', results);
if (Number.isNaN(sink)) console.log(sink);
