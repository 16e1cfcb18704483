import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Permutations } from '../../../src/cli/tools/permutations.ts';
import { RUNS } from '../../support/slicing.ts';
import { iolite } from '../support/tools.ts';

/** All permutations in lexicographic order of the places, the plain way. */
function* permutationsOf(words: readonly string[]): Generator<string> {
  if (words.length === 0) yield '';
  for (const [i, word] of words.entries()) {
    for (const rest of permutationsOf([...words.slice(0, i), ...words.slice(i + 1)])) yield word + rest;
  }
}

test('Permutations fills room of any size with all of them in order', () => {
  const word = fc.oneof(
    fc.stringMatching(/^[a-z]{4}$/),
    fc.stringMatching(/^[a-z]{8}$/),
    fc.stringMatching(/^[a-z]{1,5}$/),
    fc.constantFrom('é', '€', ''),
  );
  const words = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 7 }),
    fc.array(fc.stringMatching(/^[a-z]{4}$/), { minLength: 7, maxLength: 8 }),
    fc.array(fc.stringMatching(/^[a-z]{20,200}$/), { minLength: 5, maxLength: 6 }),
  );
  const end = fc.constantFrom('', '\n', 'stop');
  const property = fc.property(
    words,
    end,
    fc.integer({ min: 1, max: 5000 }),
    fc.nat(3),
    (given, stop, extra, shift) => {
      const permutations = new Permutations(
        given.map(text => Buffer.from(text)),
        Buffer.from(stop),
      );
      if (permutations.length === 0) return;
      const room = Buffer.alloc(permutations.length + extra + 3);
      const parts: string[] = [];
      for (;;) {
        const length = permutations.fill(room.subarray(shift));
        if (length === 0) break;
        parts.push(room.toString('utf8', shift, shift + length));
        room.fill(0xee);
      }
      assert.equal(parts.join(''), Array.from(permutationsOf(given), text => text + stop).join(''));
    },
  );
  fc.assert(property, { numRuns: 60 * RUNS });
});

test('permute cuts words by their width, and can write lines', () => {
  const expected = [...permutationsOf(['one ', 'two ', 'thre', 'e'])];
  assert.equal(iolite(['permute', 'one two three']).stdout.toString(), expected.join(''));
  const lines = iolite(['permute', '-l', '-w', '1', 'aä€']).stdout.toString();
  assert.equal(lines, 'aä€\na€ä\näa€\nä€a\n€aä\n€äa\n');
  assert.equal(iolite(['permute', '']).stdout.length, 0);
  assert.equal(iolite(['permute', '-l', '']).stdout.toString(), '\n');
});

test('permute refuses widths that are none, and words without end', () => {
  for (const width of ['0', '-1', '1.5', 'x', '4097']) {
    assert.equal(iolite(['permute', 'text', '-w', width]).code, 2, width);
  }
  const { code, stderr } = iolite(['permute', 'x'.repeat(256), '-w', '1']);
  assert.equal(code, 1);
  assert.equal(stderr, 'iolite permute: Cannot permute 256 words: at most 255 are wanted\n');
});
