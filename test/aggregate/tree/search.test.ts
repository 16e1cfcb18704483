import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../../src/aggregate/pool.ts';
import { sliced, slicings } from '../../support/slicing.ts';

const pool = createPool({ memory: 'heap' });
/** Few letters, so that much almost matches. */
const letters = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength }).map(text => Buffer.from(text));
const position = fc.integer({ min: -300, max: 300 });

test('indexOf(), lastIndexOf() and includes() give what Buffer gives, over any borders', () => {
  fc.assert(
    fc.property(letters(250), letters(12), slicings, position, (bytes, needle, lengths, from) => {
      using aggregate = sliced(pool, bytes, lengths);
      using asAggregate = sliced(pool, needle, [1, 2]);
      const first = bytes.indexOf(needle, from);
      const last = bytes.lastIndexOf(needle, from);
      for (const value of [needle, needle.toString(), new Uint8Array(needle), asAggregate]) {
        assert.equal(aggregate.indexOf(value), bytes.indexOf(needle));
        assert.equal(aggregate.lastIndexOf(value), bytes.lastIndexOf(needle));
        assert.equal(aggregate.indexOf(value, from), first);
        assert.equal(aggregate.lastIndexOf(value, from), last);
        assert.equal(aggregate.includes(value, from), first !== -1);
      }
      for (const byte of [0x61, 0x62, 0x63, 0x161, -159]) {
        assert.equal(aggregate.indexOf(byte, from), bytes.indexOf(byte, from));
        assert.equal(aggregate.lastIndexOf(byte, from), bytes.lastIndexOf(byte, from));
      }
      assert.equal(aggregate.indexOf('6162', from, 'hex'), bytes.indexOf('6162', from, 'hex'));
    }),
    { numRuns: 4000 },
  );
});

test('searching finds what lies over borders of large and small slices', () => {
  const piece = fc.oneof(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1000, max: 1100 }),
    fc.integer({ min: 4000, max: 20_000 }),
  );
  const lists = fc.array(piece, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lists, fc.nat(), fc.integer({ min: 1, max: 6000 }), (lengths, seed, size) => {
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const bytes = Buffer.alloc(total, 'x');
      const needle = Buffer.alloc(Math.min(size, total), 'y');
      const at = seed % (total - needle.length + 1);
      bytes.set(needle, at);
      using aggregate = sliced(pool, bytes, lengths);
      assert.equal(aggregate.indexOf(needle), at);
      assert.equal(aggregate.lastIndexOf(needle), at);
      assert.equal(aggregate.indexOf(needle, at + 1), -1);
      assert.equal(at === 0 ? -1 : aggregate.lastIndexOf(needle, at - 1), -1);
      assert.equal(aggregate.indexOf('y'), at);
      assert.equal(aggregate.lastIndexOf('y'), at + needle.length - 1);
    }),
    { numRuns: 300 },
  );
});

test('startsWith(), endsWith() and compare() agree with the flat bytes', () => {
  fc.assert(
    fc.property(letters(20), letters(20), slicings, slicings, (one, two, cut, otherCut) => {
      using left = sliced(pool, one, cut);
      using right = sliced(pool, two, otherCut);
      assert.equal(left.startsWith(right), one.toString().startsWith(two.toString()));
      assert.equal(left.endsWith(two), one.toString().endsWith(two.toString()));
      assert.equal(left.compare(right), Buffer.compare(one, two));
      assert.equal(left.equals(two.toString()), one.equals(two));
    }),
    { numRuns: 2000 },
  );
});

test('searching refuses what cannot be looked for', () => {
  using aggregate = sliced(pool, Buffer.from('hay'), [1]);
  for (const value of [null, undefined, {}, 1.5, Number.NaN, true, new Date()] as string[]) {
    assert.throws(() => aggregate.indexOf(value), { code: 'ERR_IOLITE_ARGUMENT' });
    assert.throws(() => aggregate.lastIndexOf(value), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.throws(() => aggregate.indexOf('a', 0.5), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => aggregate.indexOf('a', 0, 'utf-7' as BufferEncoding), { code: 'ERR_IOLITE_ARGUMENT' });
  const released = pool.from('x');
  released.release();
  assert.throws(() => aggregate.includes(released), { code: 'ERR_IOLITE_RELEASED' });
});
