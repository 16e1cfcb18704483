import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Counter, countLines } from '../../src/cli/count.ts';
import { RUNS } from '../support/slicing.ts';
import { blocksOf, cuts, files } from './support/text.ts';
import { run } from './support/tools.ts';

const ALL = { lines: true, words: true, chars: true };
const UTF8 = { LC_ALL: 'C.UTF-8' };

function counted(bytes: Buffer, lengths: readonly number[]): Counter {
  const counter = new Counter(ALL);
  for (const block of blocksOf(bytes, lengths)) counter.add(block);
  return counter;
}

/** Bytes that the four-at-a-time path sees at every alignment: long runs, and values near those looked for. */
const long = fc
  .array(fc.constantFrom(0, 8, 9, 10, 13, 14, 31, 32, 33, 97, 127, 128, 137, 138, 141, 160, 255), {
    minLength: 0,
    maxLength: 300,
  })
  .chain(bytes =>
    fc
      .nat(1500)
      .map(times =>
        Buffer.concat([Buffer.from(bytes), Buffer.alloc(times, bytes[0] ?? 32), Buffer.from(bytes)]),
      ),
  );

test('Counter counts lines, characters and bytes of any bytes as wc does, however they are cut', () => {
  const property = fc.property(fc.oneof(files, long), cuts, (bytes, lengths) => {
    const { lines, chars, bytes: size } = counted(bytes, lengths);
    const expected = run('wc', ['-lmc'], { input: bytes, env: UTF8 }).stdout.toString();
    assert.deepEqual([lines, chars, size], expected.trim().split(/ +/).map(Number));
  });
  fc.assert(property, { numRuns: 250 * RUNS });
});

test('Counter counts words of printable text as wc does', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', ' ', '\t', '\n', '\r', '\v', '\f', 'é', '€', '~', '!'), {
      maxLength: 1200,
    })
    .map(characters => Buffer.from(characters.join('')));
  const property = fc.property(text, cuts, (bytes, lengths) => {
    const expected = run('wc', ['-w'], { input: bytes, env: UTF8 }).stdout.toString();
    assert.equal(counted(bytes, lengths).words, Number(expected));
  });
  fc.assert(property, { numRuns: 150 * RUNS });
});

test('Counter takes every run of bytes that are not ASCII white space for a word', () => {
  const property = fc.property(fc.oneof(files, long), cuts, (bytes, lengths) => {
    const words = bytes.toString('latin1').match(/[^\t\n\v\f\r ]+/g)?.length ?? 0;
    assert.equal(counted(bytes, lengths).words, words);
  });
  fc.assert(property, { numRuns: 500 * RUNS });
});

test('countLines() counts at every alignment', () => {
  const property = fc.property(long, fc.nat(7), fc.nat(7), (bytes, start, less) => {
    const part = bytes.subarray(start, Math.max(start, bytes.length - less));
    assert.equal(countLines(part), part.filter(byte => byte === 10).length);
  });
  fc.assert(property, { numRuns: 500 * RUNS });
});
