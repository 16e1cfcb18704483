import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fieldOf,
  fieldsFor,
  namesOf,
  tokensOf,
  without,
  withoutSpaceAround,
} from '../../../src/http/message/header-list.ts';

const name = fc.constantFrom('a', 'A', 'b', 'B', 'ab', 'Ab', 'AB', 'x-c', 'X-C');
const headers = fc
  .array(fc.tuple(name, fc.string({ maxLength: 5 })), { maxLength: 8 })
  .map(fields => ({ fields, list: fields.flat() }));

test('fieldOf() joins the lines of a field, whatever the case of its name', () => {
  fc.assert(
    fc.property(headers, ({ fields, list }) => {
      for (const wanted of ['a', 'b', 'ab', 'x-c', 'none']) {
        const lines = fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
        assert.equal(fieldOf(list, wanted), lines.length === 0 ? undefined : lines.join(', '));
      }
    }),
  );
});

test('without() leaves out fields, and namesOf() names them', () => {
  fc.assert(
    fc.property(headers, fc.subarray(['a', 'b', 'ab', 'x-c']), ({ fields, list }, names) => {
      const rest = fields.filter(([name]) => !names.includes(name.toLowerCase()));
      assert.deepEqual(without(list, new Set(names)), rest.flat());
      assert.deepEqual(namesOf(list), new Set(fields.map(([name]) => name.toLowerCase())));
    }),
  );
});

test('tokensOf() takes a list apart', () => {
  assert.deepEqual(tokensOf(undefined), []);
  assert.deepEqual(tokensOf(''), []);
  assert.deepEqual(tokensOf('Close'), ['close']);
  assert.deepEqual(tokensOf(' , keep-alive ,, Upgrade,'), ['keep-alive', 'upgrade']);
});

test('a 204 has no Content-Length; others have theirs', () => {
  const fields = ['A', 'b', 'content-Length', '5'];
  assert.deepEqual(fieldsFor(204, fields), ['A', 'b']);
  assert.equal(fieldsFor(200, fields), fields);
  assert.equal(fieldsFor(304, fields), fields);
});

test('white space around a value is spaces and tabs, as a pattern has it', () => {
  const texts = fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '\xa0', '\v'), maxLength: 8 });
  fc.assert(
    fc.property(texts, text => {
      assert.equal(withoutSpaceAround(text), text.replace(/^[ \t]+|[ \t]+$/g, ''));
    }),
  );
});
