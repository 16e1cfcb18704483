import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyWords, textOfWords } from '../../../src/store/directory/key-words.ts';

const TEXTS = [
  '',
  'a',
  'ab',
  'abc',
  'é💡',
  '\ud800',
  '\udfff\ud800',
  '\0',
  'x'.repeat(8191),
  '💡'.repeat(4096),
];

test('a text comes back out of words, whatever characters it has', () => {
  const words = new KeyWords();
  for (const text of TEXTS) {
    words.take(text, 7);
    assert.equal(textOfWords(words.words, 0, words.length), text);
  }
});

test('a hash is of the whole key and of the seed', () => {
  const words = new KeyWords();
  const hashes = new Set<number>();
  for (const seed of [0, 1])
    for (const text of [...TEXTS, 'a\0', 'ba', `${'x'.repeat(8190)}y`]) hashes.add(words.take(text, seed));
  assert.equal(hashes.size, 2 * (TEXTS.length + 3));
  assert.equal(words.take('key', 5), words.take('key', 5));
  // MurmurHash3 of no bytes is known: https://en.wikipedia.org/wiki/MurmurHash
  assert.equal(words.take('', 0), 0);
  assert.equal(words.take('', 1) >>> 0, 0x514e28b7);
});
