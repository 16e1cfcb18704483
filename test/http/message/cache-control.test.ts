import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDirectives, secondsOf } from '../../../src/http/message/cache-control.ts';
import { RUNS } from '../../support/slicing.ts';

test('directives are found by their names, whatever their case, quoting and order', () => {
  const cases: [string | undefined, [string, string | undefined][]][] = [
    [undefined, []],
    ['', []],
    ['no-store', [['no-store', undefined]]],
    [
      'Max-Age=60, PUBLIC',
      [
        ['max-age', '60'],
        ['public', undefined],
      ],
    ],
    [
      'max-age="60" ,  private="a, b", x',
      [
        ['max-age', '60'],
        ['private', 'a, b'],
        ['x', undefined],
      ],
    ],
    ['max-age=1, max-age=2', [['max-age', '1']]],
    [', ,no-cache,,', [['no-cache', undefined]]],
    ['max-age=1 2, no-store', [['no-store', undefined]]],
    ['private="open, no-store', [['no-store', undefined]]],
    ['=5, @, no-store', [['no-store', undefined]]],
  ];
  for (const [field, expected] of cases) assert.deepEqual([...parseDirectives(field)], expected, field);
});

test('seconds that are none are no time', () => {
  const directives = parseDirectives('a=5, b, c=-1, d=1.5, e=x, f=99999999999999999999, g=""');
  const seconds = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(name => secondsOf(directives, name));
  assert.deepEqual(seconds, [5, 0, 0, 0, 0, 2 ** 31, 0, undefined]);
});

test('what is put together is taken apart again, and nothing makes it fail', () => {
  const token = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);
  const value = fc.option(fc.stringMatching(/^[\w ,=]{0,8}$/), { nil: undefined });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name }), list => {
      const field = list.map(([name, text]) => (text === undefined ? name : `${name}="${text}"`)).join(', ');
      assert.deepEqual([...parseDirectives(field)], list);
    }),
    { numRuns: 200 * RUNS },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      parseDirectives(text);
    }),
    { numRuns: 200 * RUNS },
  );
});
