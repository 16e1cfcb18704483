import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { sliced, slicings } from '../../support/slicing.ts';

const ENCODINGS = [
  'utf8',
  'UTF-8',
  'utf16le',
  'ucs2',
  'latin1',
  'binary',
  'ascii',
  'hex',
  'base64',
  'base64url',
];

/** Bytes that are hard to decode: whole characters, parts of them, and bytes that belong to none. */
const awkward = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }).map(text => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }).map(bytes => Buffer.from(bytes)),
      fc.constantFrom(
        ...[
          [0xf0, 0x9f, 0x98],
          [0xe2, 0x82],
          [0xed, 0xa0, 0x80],
          [0xc0, 0x80],
        ].map(b => Buffer.from(b)),
      ),
      fc.constantFrom(...[0x80, 0xbf, 0xc2, 0xe0, 0xf0, 0xf4, 0xff].map(b => Buffer.from([b]))),
    ),
    { maxLength: 30 },
  )
  .map(parts => Buffer.concat(parts));

test('toString() gives what Buffer gives, in every encoding, over any borders', () => {
  const pool = createPool({ memory: 'heap' });
  fc.assert(
    fc.property(awkward, slicings, fc.nat(), fc.nat(), (bytes, lengths, one, two) => {
      using aggregate = sliced(pool, bytes, lengths);
      const start = one % (bytes.length + 1);
      const end = start + (two % (bytes.length - start + 1));
      for (const encoding of ENCODINGS as BufferEncoding[]) {
        assert.equal(aggregate.toString(encoding), bytes.toString(encoding), encoding);
        assert.equal(
          aggregate.toString(encoding, start, end),
          bytes.toString(encoding, start, end),
          encoding,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('toString() decodes large and small slices in turn', () => {
  const pool = createPool({ memory: 'heap' });
  const piece = fc.oneof(
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1000, max: 1050 }),
    fc.constant(9000),
  );
  const unit = Buffer.from('aé€😀\ud800ñ'.repeat(7));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), fc.nat(13), (lengths, shift) => {
      const size = lengths.reduce((sum, length) => sum + length, 0);
      const bytes = Buffer.alloc(size + shift, unit).subarray(shift);
      using aggregate = sliced(pool, bytes, lengths);
      for (const encoding of ENCODINGS as BufferEncoding[]) {
        assert(aggregate.toString(encoding) === bytes.toString(encoding), encoding);
      }
    }),
    { numRuns: 200 },
  );
});

test('toString() clamps its end as Buffer does, and refuses what is no position or no encoding', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = sliced(pool, Buffer.from('hello'), [1]);
  assert.equal(aggregate.toString('utf8', 1, 100), 'ello');
  assert.equal(aggregate.toString(undefined, 5), '');
  assert.throws(() => aggregate.toString('utf8', 6), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => aggregate.toString('utf8', -1), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => aggregate.toString('utf8', 3, 2), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => aggregate.toString('utf8', 0.5), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => aggregate.toString('utf-7' as BufferEncoding), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('toString() of more bytes than are gathered at a time cuts no character', () => {
  const text = Buffer.alloc(33 * 1024 ** 2 + 1, 'zw\u00f6lf \u20ac uro \u{1f600}. ');
  const whole = Aggregate.empty();
  for (let at = 0; at < text.length; at += 1_000_003) {
    using part = Aggregate.adopt(text.subarray(at, at + 1_000_003));
    whole.append(part);
  }
  for (const encoding of ['utf8', 'utf16le', 'base64', 'hex', 'latin1'] as const) {
    assert(whole.toString(encoding) === text.toString(encoding), encoding);
  }
  whole.release();
});
