import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from '../../../src/http/rules/glob.ts';

/** A glob as a regular expression, for short texts. */
function expressionOf(parts: readonly string[]): RegExp {
  const last = parts.length - 1;
  const segments = parts.map((part, index) => {
    if (part === '**') return index === last ? '.*' : '(?:[^/]+/)*';
    const text = part.replaceAll('.', '\\.').replaceAll('?', '[^/]').replaceAll('*', '[^/]*');
    const whole =
      part === '*' ? '[^/]+' : text.replaceAll('{', '(?:').replaceAll('}', ')').replaceAll(',', '|');
    return whole + (index === last ? '' : '/');
  });
  const optional =
    parts.length > 1 && parts[last] === '**'
      ? `${segments.slice(0, -1).join('').slice(0, -1)}(?:/.*)?`
      : segments.join('');
  return new RegExp(`^(?:${optional})/?$`, 's');
}

test('a glob means what the expression means that is made of it', () => {
  const part = fc.constantFrom('a', 'b', '*', '**', '?', '{a,b}', '{a*,b.}', 'a.b', '*.*', '*a*', 'a*b*a');
  const folder = fc.constantFrom('a', 'b', 'ab', 'a.b', 'bab', 'a\nb', 'aabba');
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }).filter(parts => !/\*\*,\*\*/.test(parts.join())),
      fc.array(folder, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('', '/'),
      (parts, folders, end) => {
        const text = folders.join('/') + end;
        const means = compileGlob(parts.join('/'))(text) !== undefined;
        assert.equal(means, expressionOf(parts).test(text), `${parts.join('/')} and ${text}`);
      },
    ),
    { numRuns: 5000 },
  );
});

test('what is open or chosen is told in the order of the glob', () => {
  const cases: [glob: string, text: string, captures: string[]][] = [
    ['**', 'a/b/', ['a/b/']],
    ['a/**', 'a', ['']],
    ['a/**', 'a/b/c', ['b/c']],
    ['**/*.js', 'x.js', ['', 'x']],
    ['**/*.js', 'a/b/x.y.js', ['a/b', 'x.y']],
    ['*-*', 'a-b-c', ['a', 'b-c']],
    ['{a,b*}/?', 'bc/d', ['bc', 'c']],
    ['{a,b*}/?', 'a/d', ['a', '']],
    ['[!a-c]\\*[x-]', 'd*-', []],
    ['(a)+b', '(a)+b', []],
  ];
  for (const [glob, text, captures] of cases) assert.deepEqual(compileGlob(glob)(text), captures, glob);
});

test('no text takes long, whatever the glob', () => {
  // A regular expression would not come to its end before the test does.
  for (const glob of ['*a*a*a*a*b', '**/*a*a*/**/*a*a*b', '{*a,*}*a*a*a*b', '**/a/**/a/**/a/**/b'])
    for (const text of ['a'.repeat(16_000), 'a/'.repeat(8000)])
      assert.equal(compileGlob(glob)(text), undefined);
});

test('what is no glob is refused, and said what is wrong', () => {
  for (const [glob, said] of [
    ['a[b', /\] is missing/],
    ['{a,b', /\} is missing/],
    ['{a}', /several/],
    ['!(a)', /not known/],
    ['{a,b}'.repeat(20), /too many/],
  ] as const)
    assert.throws(() => compileGlob(glob), said);
});
