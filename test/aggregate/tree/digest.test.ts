import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { combineCrc32 } from '../../../src/aggregate/tree/crc32.ts';
import { sliced, slicings } from '../../support/slicing.ts';

function hexOf(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}

test('digest() gives what zlib and OpenSSL give for the flat bytes, whatever the slices', () => {
  const pool = createPool({ memory: 'heap' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), slicings, (bytes, lengths) => {
      using aggregate = sliced(pool, bytes, lengths);
      for (let again = 0; again < 2; again++) {
        assert.equal(aggregate.digest('crc32'), hexOf(crc32(bytes)));
        for (const algorithm of ['sha1', 'sha256', 'blake2b512', 'md5']) {
          const wanted = createHash(algorithm).update(bytes);
          assert.equal(aggregate.digest(algorithm, 'base64url'), wanted.digest('base64url'));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('combineCrc32() joins the sums of any two runs, however long the second', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 2000, size: 'max' }), (one, two) => {
      const whole = crc32(Buffer.concat([one, two]));
      assert.equal(combineCrc32(crc32(one), crc32(two), two.length), whole);
    }),
  );
  const zeros = Buffer.alloc(5_000_000);
  assert.equal(
    combineCrc32(crc32('x'), crc32(zeros), zeros.length),
    crc32(Buffer.concat([Buffer.from('x'), zeros])),
  );
});

test('digest() is kept by the identity of the bytes: one that was changed behind our back shows it', () => {
  const bytes = Buffer.from('immutable by promise');
  using aggregate = Aggregate.adopt(bytes);
  const before = [aggregate.digest('crc32'), aggregate.digest('sha256')];
  bytes[0] = 0;
  using copy = aggregate.duplicate();
  assert.deepEqual([copy.digest('crc32'), copy.digest('sha256')], before);
  using shorter = aggregate.slice(0, 5);
  assert.equal(shorter.digest('crc32'), hexOf(crc32(bytes.subarray(0, 5))));
});

test('digest() never takes recycled content for the old one', () => {
  using pool = createPool({ chunkSize: 8192 });
  const first = pool.from('first content');
  const stale = first.digest('sha256');
  const { id } = first.slices()[0]!;
  first.release();
  for (let i = 0; i < 20; i++) pool.from(Buffer.alloc(3000, i)).release();
  using second = pool.from('later content');
  assert.equal(second.digest('sha256'), createHash('sha256').update('later content').digest('hex'));
  assert.notEqual(second.digest('sha256'), stale);
  assert.notDeepEqual(second.slices()[0]?.id, id);
});

test("digest() gives a Buffer of the caller's own, and refuses what it does not know", () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = pool.from('x');
  aggregate.digest('sha1', 'buffer').fill(0);
  assert.equal(aggregate.digest('sha1'), createHash('sha1').update('x').digest('hex'));
  for (const algorithm of ['crc33', '', 'toString', null, 3] as string[]) {
    assert.throws(() => aggregate.digest(algorithm), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  assert.throws(() => aggregate.digest('sha1', 'utf-7' as 'hex'), { code: 'ERR_IOLITE_ARGUMENT' });
});
