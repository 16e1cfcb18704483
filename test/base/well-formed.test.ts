import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWellFormed } from '../../src/base/well-formed.ts';

test('a text with half of a surrogate pair is another text in UTF-8', () => {
  for (const text of ['', 'path', 'pâté', '\u{1f600}', '\ufffd', 'a\ud83d', '\ude00a', '\ude00\ud83d'])
    assert.equal(isWellFormed(text), Buffer.from(text).toString() === text, JSON.stringify(text));
});
