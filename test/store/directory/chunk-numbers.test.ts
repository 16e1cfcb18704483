import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../../src/memory/lease.ts';
import { ChunkNumbers } from '../../../src/store/directory/chunk-numbers.ts';
import { CHUNK_SLOTS } from '../../../src/store/directory/layout.ts';

/** As far as a number is concerned. */
function leaseOf(chunk: object, generation = 1): Lease {
  return { chunk, generation } as unknown as Lease;
}

test('a chunk has one number, however often it is used again', () => {
  const noted: number[][] = [];
  const numbers = new ChunkNumbers({ note: (...all) => noted.push(all) });
  const [one, two] = [{}, {}];
  const number = numbers.enter(leaseOf(one));
  assert.equal(numbers.enter(leaseOf(one)), number);
  const other = numbers.enter(leaseOf(two));
  assert.notEqual(other, number);
  assert.deepEqual(
    [numbers.of(leaseOf(one)), numbers.of(leaseOf(two)), numbers.of(leaseOf({}))],
    [number, other, 0],
  );
  numbers.leave(number);
  assert.equal(numbers.of(leaseOf(one)), number);
  numbers.leave(number);
  assert.equal(numbers.of(leaseOf(one)), 0);
  assert.equal(numbers.enter(leaseOf(one, 2)), number);
  assert.deepEqual([numbers.of(leaseOf(one, 1)), numbers.of(leaseOf(one, 2))], [0, number]);
  assert.deepEqual(noted, [
    [number, 1],
    [other, 1],
    [number, 0],
    [number, 2],
  ]);
  assert.deepEqual([...numbers.inUse()].sort(), [
    [number, 2],
    [other, 1],
  ]);
  numbers.leave(12_345);
});

test('chunks that there is no room for have no number, and no number is given twice', () => {
  const numbers = new ChunkNumbers({ note: () => {} });
  const chunks = Array.from({ length: CHUNK_SLOTS }, () => ({}));
  const given = chunks.map(chunk => numbers.enter(leaseOf(chunk)));
  assert.equal(new Set(given).size, CHUNK_SLOTS);
  assert.equal(numbers.enter(leaseOf({})), 0);
  numbers.leave(given[5] as number);
  const next = numbers.enter(leaseOf({}));
  assert.ok(next > 0 && !given.includes(next));
  // Its place is another's by now.
  numbers.leave(given[7] as number);
  assert.equal(numbers.enter(leaseOf(chunks[5] as object)) > next, true);
});
