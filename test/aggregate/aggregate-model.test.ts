import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { RUNS, sliced, slicings } from '../support/slicing.ts';

/** An aggregate, and what it has to hold. */
interface Pair {
  readonly aggregate: Aggregate;
  model: Buffer;
}

/** One step on one of the live aggregates; positions are fractions of what the model has then. */
type Step = (pairs: Pair[], pick: (nth: number) => Pair, pool: Pool) => void;

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const bytes = fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 200 }));
const text = fc.string({ unit: 'binary', maxLength: 20 });

function position(pair: Pair, part: number, from = 0): number {
  return from + Math.floor(part * (pair.model.length - from + 1 - 1e-9));
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ a: fc.nat(), data: bytes }).map(
    ({ a, data }): Step =>
      (_, pick) => {
        const pair = pick(a);
        pair.aggregate.append(data);
        pair.model = Buffer.concat([pair.model, data]);
      },
  ),
  fc.record({ a: fc.nat(), data: text }).map(
    ({ a, data }): Step =>
      (_, pick) => {
        const pair = pick(a);
        pair.aggregate.append(data);
        pair.model = Buffer.concat([pair.model, Buffer.from(data)]);
      },
  ),
  fc.record({ a: fc.nat(), b: fc.nat() }).map(
    ({ a, b }): Step =>
      (_, pick) => {
        const [to, from] = [pick(a), pick(b)];
        if (to.model.length + from.model.length > 100_000) return;
        to.aggregate.append(from.aggregate);
        to.model = Buffer.concat([to.model, from.model]);
      },
  ),
  fc.record({ a: fc.nat(), b: fc.nat() }).map(
    ({ a, b }): Step =>
      (_, pick) => {
        const [to, from] = [pick(a), pick(b)];
        if (to.model.length + from.model.length > 100_000) return;
        to.aggregate.prepend(from.aggregate);
        to.model = Buffer.concat([from.model, to.model]);
      },
  ),
  fc.record({ a: fc.nat(), data: bytes }).map(
    ({ a, data }): Step =>
      (_, pick) => {
        const pair = pick(a);
        pair.aggregate.prepend(data);
        pair.model = Buffer.concat([data, pair.model]);
      },
  ),
  fc.record({ a: fc.nat(), part: fraction }).map(
    ({ a, part }): Step =>
      (_, pick) => {
        const pair = pick(a);
        const length = position(pair, part);
        pair.aggregate.truncate(length);
        pair.model = pair.model.subarray(0, length);
      },
  ),
  fc.record({ a: fc.nat(), part: fraction }).map(
    ({ a, part }): Step =>
      (_, pick) => {
        const pair = pick(a);
        const count = position(pair, part * part);
        pair.aggregate.trimStart(count);
        pair.model = pair.model.subarray(count);
      },
  ),
  fc.record({ a: fc.nat(), part: fraction }).map(
    ({ a, part }): Step =>
      (pairs, pick) => {
        const pair = pick(a);
        const at = position(pair, part);
        pairs.push({ aggregate: pair.aggregate.split(at), model: pair.model.subarray(at) });
        pair.model = pair.model.subarray(0, at);
      },
  ),
  fc.record({ a: fc.nat(), one: fraction, two: fraction }).map(
    ({ a, one, two }): Step =>
      (pairs, pick) => {
        const pair = pick(a);
        const start = position(pair, one);
        const end = position(pair, two);
        pairs.push({ aggregate: pair.aggregate.slice(start, end), model: pair.model.subarray(start, end) });
      },
  ),
  fc.record({ a: fc.nat() }).map(
    ({ a }): Step =>
      (pairs, pick) => {
        const pair = pick(a);
        pairs.push({ aggregate: pair.aggregate.duplicate(), model: pair.model });
      },
  ),
  fc.record({ list: fc.array(fc.nat(), { maxLength: 4 }) }).map(
    ({ list }): Step =>
      (pairs, pick) => {
        const parts = list.map(pick);
        const model = Buffer.concat(parts.map(part => part.model));
        if (model.length > 100_000) return;
        pairs.push({ aggregate: Aggregate.concat(parts.map(part => part.aggregate)), model });
      },
  ),
  fc.record({ a: fc.nat(), part: fraction, data: bytes }).map(
    ({ a, part, data }): Step =>
      (_, pick) => {
        const pair = pick(a);
        const fitting = data.subarray(0, pair.model.length);
        const offset = Math.min(position(pair, part), pair.model.length - fitting.length);
        pair.aggregate.write(offset, fitting);
        pair.model = Buffer.from(pair.model);
        pair.model.set(fitting, offset);
      },
  ),
  fc.record({ a: fc.nat(), b: fc.nat(), one: fraction, two: fraction, data: bytes, other: fc.boolean() }).map(
    ({ a, b, one, two, data, other }): Step =>
      (pairs, pick) => {
        const pair = pick(a);
        const from = pick(b);
        const start = position(pair, one);
        const count = position(pair, two, start) - start;
        const put = other && from.model.length < 20_000 ? from : undefined;
        const contents = put === undefined ? [data] : [data, put.aggregate, data];
        const models = put === undefined ? [data] : [data, put.model, data];
        const removed = pair.aggregate.splice(start, count, ...contents);
        pairs.push({ aggregate: removed, model: pair.model.subarray(start, start + count) });
        pair.model = Buffer.concat([
          pair.model.subarray(0, start),
          ...models,
          pair.model.subarray(start + count),
        ]);
      },
  ),
  fc.record({ a: fc.nat(), one: fraction, two: fraction, byte: fc.integer({ min: 0, max: 255 }) }).map(
    ({ a, one, two, byte }): Step =>
      (_, pick) => {
        const { aggregate, model } = pick(a);
        const start = Math.floor(one * model.length);
        const end = start + Math.floor(two * Math.min(100, model.length - start));
        assert.equal(aggregate.toString('latin1', start, end), model.toString('latin1', start, end));
        assert.equal(aggregate.indexOf(byte, start), model.indexOf(byte, start));
        if (start < model.length) assert.equal(aggregate.at(start), model[start]);
        if (start + 4 <= model.length) assert.equal(aggregate.readUInt32LE(start), model.readUInt32LE(start));
      },
  ),
  fc.record({ a: fc.nat() }).map(
    ({ a }): Step =>
      (_, pick) => {
        pick(a).aggregate.compact();
      },
  ),
  fc.record({ a: fc.nat() }).map(
    ({ a }): Step =>
      (pairs, pick) => {
        const pair = pick(a);
        pair.aggregate.release();
        pairs.splice(pairs.indexOf(pair), 1);
      },
  ),
);

/** What there is to be read of an aggregate agrees with the model. */
function check({ aggregate, model }: Pair): void {
  assert.equal(aggregate.length, model.length);
  assert(aggregate.toBuffer().equals(model));
  assert(Buffer.concat(aggregate.views()).equals(model));
  assert.equal(aggregate.toString(), model.toString());
  assert(aggregate.equals(model));
  for (const index of [0, model.length >> 1, model.length - 1]) {
    if (index in model) assert.equal(aggregate.at(index), model[index]);
  }
  let offset = 0;
  for (const slice of aggregate.slices()) {
    assert(slice.length > 0);
    assert(slice.bytes.equals(model.subarray(offset, offset + slice.length)));
    offset += slice.length;
  }
}

function run(pool: Pool, start: Uint8Array, lengths: readonly number[], list: readonly Step[]): void {
  const pairs: Pair[] = [];
  for (const step of list) {
    if (pairs.length === 0)
      pairs.push({ aggregate: sliced(pool, start, lengths), model: Buffer.from(start) });
    while (pairs.length > 8) pairs.shift()?.aggregate.release();
    step(pairs, nth => pairs[nth % pairs.length] as Pair, pool);
    for (const pair of pairs) assert.equal(pair.aggregate.length, pair.model.length);
  }
  for (const pair of pairs) check(pair);
  for (const { aggregate } of pairs) aggregate.release();
  pool.close();
  assert.equal(pool.stats().chunks, 0, 'every reference was given back');
}

for (const memory of ['shared', 'heap'] as const) {
  test(`Aggregate agrees with a flat model under any operations (${memory})`, () => {
    const start = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(
        start,
        slicings,
        fc.array(steps, { maxLength: 80, size: 'max' }),
        (bytes, lengths, list) => {
          run(createPool({ memory, chunkSize: 256 * 1024 }), bytes, lengths, list);
        },
      ),
      { numRuns: (memory === 'heap' ? 6000 : 3000) * RUNS },
    );
  });

  test(`Aggregate agrees with a flat model when it has very many slices (${memory})`, () => {
    const large = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 7919) % 251);
    const lengths = fc.constantFrom([1], [1, 3, 2], [2]);
    fc.assert(
      fc.property(lengths, fc.array(steps, { minLength: 10, maxLength: 100, size: 'max' }), (cut, list) => {
        run(createPool({ memory }), large, cut, list);
      }),
      { numRuns: 60 * RUNS },
    );
  });
}

test("pools of kind 'protect' hold aggregates that agree with a flat model, of slices of a byte too", () => {
  const lengths = fc.constantFrom([1], [1, 3, 2], [1 << 20]);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      lengths,
      fc.array(steps, { maxLength: 40 }),
      (bytes, cut, list) => {
        run(createPool({ kind: 'protect', chunkSize: 64 * 1024 }), bytes, cut, list);
      },
    ),
    { numRuns: 500 * RUNS },
  );
});

test("pools of kind 'seal' hold aggregates that agree with a flat model", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.array(steps, { maxLength: 12 }), (bytes, list) => {
      run(createPool({ kind: 'seal' }), bytes, [1 << 20], list);
    }),
    { numRuns: 100 * RUNS },
  );
});
