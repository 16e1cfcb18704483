import fc from 'fast-check';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../src/aggregate/aggregate-of-slices.ts';
import type { Pool } from '../../src/aggregate/pool.ts';

/**
 * An aggregate of `bytes` in slices of the given lengths (the last repeated as often as needed), none of
 * which merge: they lie in one buffer in reverse order.
 */
export function sliced(pool: Pool, bytes: Uint8Array, lengths: readonly number[]): Aggregate {
  if (bytes.length === 0) return pool.from('');
  const pieces: [number, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(
      bytes.length,
      at + Math.max(1, lengths[Math.min(pieces.length, lengths.length - 1)] ?? 1),
    );
    pieces.push([at, end]);
    at = end;
  }
  const draft = pool.allocate(bytes.length);
  const places: number[] = [];
  let room = bytes.length;
  for (const [start, end] of pieces) {
    room -= end - start;
    places.push(room);
    draft.bytes.set(bytes.subarray(start, end), room);
  }
  const whole = draft.seal();
  const [buffer] = whole.slices();
  const { lease, start: base } = buffer!;
  lease.retain(pieces.length);
  const aggregate = aggregateOfSlices(
    pieces.map(([start, end], i) => ({
      lease,
      start: base + places[i]!,
      end: base + places[i]! + end - start,
    })),
  );
  whole.release();
  return aggregate;
}

/** Lengths of slices: one byte each, small, or large. */
export const slicings: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant<readonly number[]>([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
  fc.constant<readonly number[]>([1 << 20]),
);

/** Runs of fast-check: the environment can ask for more. */
export const RUNS = Number(process.env.FC_RUNS ?? 1);
