import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Counter } from '../../../src/cli/tools/counter.ts';
import { RUNS } from '../../support/slicing.ts';
import { long } from '../support/quads.ts';
import { blocksOf, cuts, files } from '../support/text.ts';
import { run } from '../support/tools.ts';

const ALL = { lines: true, words: true, chars: true };
const UTF8 = { LC_ALL: 'C.UTF-8' };

function counted(bytes: Buffer, lengths: readonly number[]): Counter {
  const counter = new Counter(ALL);
  for (const block of blocksOf(bytes, lengths)) counter.add(block);
  return counter;
}

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
