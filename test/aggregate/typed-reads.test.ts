import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../src/aggregate/pool.ts';
import { sliced, slicings } from '../support/slicing.ts';

const FIXED = [
  ['readUInt8', 1],
  ['readInt8', 1],
  ['readUInt16LE', 2],
  ['readUInt16BE', 2],
  ['readInt16LE', 2],
  ['readInt16BE', 2],
  ['readUInt32LE', 4],
  ['readUInt32BE', 4],
  ['readInt32LE', 4],
  ['readInt32BE', 4],
  ['readBigUInt64LE', 8],
  ['readBigUInt64BE', 8],
  ['readBigInt64LE', 8],
  ['readBigInt64BE', 8],
  ['readFloatLE', 4],
  ['readFloatBE', 4],
  ['readDoubleLE', 8],
  ['readDoubleBE', 8],
] as const;
const VARIABLE = ['readUIntLE', 'readUIntBE', 'readIntLE', 'readIntBE'] as const;

test('typed reads give what Buffer gives, over borders of slices, in any order', () => {
  const pool = createPool({ memory: 'heap' });
  const bytes = fc.uint8Array({ minLength: 8, maxLength: 120 });
  fc.assert(
    fc.property(bytes, slicings, fc.array(fc.nat(), { maxLength: 10 }), (data, lengths, offsets) => {
      using aggregate = sliced(pool, data, lengths);
      const flat = Buffer.from(data);
      for (const seed of offsets) {
        for (const [name, size] of FIXED) {
          const offset = seed % (flat.length - size + 1);
          assert.deepEqual(aggregate[name](offset), flat[name](offset), name);
        }
        for (const name of VARIABLE) {
          const size = 1 + (seed % 6);
          const offset = seed % (flat.length - size + 1);
          assert.equal(aggregate[name](offset, size), flat[name](offset, size), name);
        }
        assert.equal(aggregate.at(seed % flat.length), flat[seed % flat.length]);
      }
    }),
    { numRuns: 1000 },
  );
});

test('typed reads see what the aggregate holds now, not what it held at the last read', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = pool.from(Buffer.from([1, 2, 3, 4]));
  assert.equal(aggregate.readUInt16BE(0), 0x0102);
  aggregate.trimStart(1);
  assert.equal(aggregate.readUInt16BE(0), 0x0203);
  aggregate.write(0, Buffer.from([9]));
  assert.equal(aggregate.readUInt16BE(0), 0x0903);
  aggregate.prepend(Buffer.from([8]));
  assert.equal(aggregate.readUInt16BE(0), 0x0809);
  aggregate.truncate(1);
  assert.throws(() => aggregate.readUInt16BE(0), { code: 'ERR_IOLITE_RANGE' });
});

test('typed reads refuse positions outside and values that are none, and name the operation', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = sliced(pool, Buffer.from([1, 2, 3, 4]), [1]);
  for (const [name, size] of FIXED) {
    for (const offset of [-1, 5 - size, 5, 2 ** 53, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => aggregate[name](offset), { code: 'ERR_IOLITE_RANGE' }, `${name}(${offset})`);
    }
    for (const offset of [0.5, Number.NaN, Number.POSITIVE_INFINITY, '0', null, undefined, {}, 0n]) {
      assert.throws(() => aggregate[name](offset as number), { code: 'ERR_IOLITE_ARGUMENT' }, name);
    }
  }
  for (const byteLength of [0, 7, -1]) {
    assert.throws(() => aggregate.readUIntLE(0, byteLength), { code: 'ERR_IOLITE_RANGE' });
  }
  assert.throws(() => aggregate.readUIntLE(0, 1.5), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => aggregate.readUInt32LE(2), /readUInt32LE.*2 to 6.*length is 4/);
  assert.equal(aggregate.readUInt32LE(0), 0x04030201);
});
