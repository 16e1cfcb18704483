import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dictionaryOf, stringsOf } from '../../../src/http/message/structured-fields.ts';

test('a list of strings is read without its parameters, and nothing else is', () => {
  assert.deepEqual(stringsOf('"a", "b c";x=1,  "d\\"e"'), ['a', 'b c', 'd"e']);
  assert.deepEqual(stringsOf(''), []);
  for (const field of ['a', '"a", b', '"a" "b"', '("a" "b")', '"a', '1']) {
    assert.equal(stringsOf(field), undefined, field);
  }
});

test('a dictionary is read as directives of a cache', () => {
  const directives = dictionaryOf('max-age=600, no-cache, a="b", c=token;p=1, d=?0, e=(1 2)');
  assert.deepEqual(
    [...(directives ?? [])],
    [
      ['max-age', '600'],
      ['no-cache', undefined],
      ['a', 'b'],
      ['c', 'token'],
    ],
  );
  for (const field of ['', 'max-age=', 'max-age=60 no-store', 'Max-Age=60']) {
    assert.equal(dictionaryOf(field), undefined, field);
  }
});
