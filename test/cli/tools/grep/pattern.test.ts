import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compile, type Syntax } from '../../../../src/cli/tools/grep/pattern.ts';
import { UserError } from '../../../../src/cli/user-error.ts';

/** The lines that a pattern matches. */
function matching(
  patterns: string | readonly string[],
  lines: readonly string[],
  options: { syntax?: Syntax; ignoreCase?: boolean; wholeLines?: boolean } = {},
): string[] {
  const expression = compile(typeof patterns === 'string' ? [patterns] : patterns, {
    syntax: 'basic',
    ignoreCase: false,
    wholeLines: false,
    ...options,
  });
  return lines.filter(line => {
    expression.lastIndex = 0;
    return expression.test(line);
  });
}

test('plain text is found wherever it is, whatever it consists of', () => {
  const byte = fc.integer({ min: 1, max: 255 }).filter(code => code !== 10);
  const text = fc.array(byte, { maxLength: 12 }).map(codes => String.fromCharCode(...codes));
  fc.assert(
    fc.property(text, text, text, (before, wanted, after) => {
      const lines = [before + wanted + after, before, after];
      const found = lines.filter(line => line.includes(wanted));
      assert.deepEqual(matching(wanted, lines, { syntax: 'fixed' }), found);
      assert.deepEqual(
        matching(wanted, lines, { syntax: 'fixed', wholeLines: true }),
        lines.filter(line => line === wanted),
      );
    }),
  );
});

test('operators are plain in extended syntax, and have a backslash in basic syntax', () => {
  const lines = ['ab', 'aab', 'a+b', '(a)', 'b', 'a|b', 'a{2}b'];
  assert.deepEqual(matching('^a+b$', lines, { syntax: 'extended' }), ['ab', 'aab']);
  assert.deepEqual(matching('^a+b$', lines), ['a+b']);
  assert.deepEqual(matching('^a\\+b$', lines), ['ab', 'aab']);
  assert.deepEqual(matching('^(a|b)$', lines, { syntax: 'extended' }), ['b']);
  assert.deepEqual(matching('^\\(a\\|b\\)$', lines), ['b']);
  assert.deepEqual(matching('^a{2}b$', lines, { syntax: 'extended' }), ['aab']);
  assert.deepEqual(matching('^a\\{2\\}b$', lines), ['aab']);
  assert.deepEqual(matching('^a{2}b$', lines), ['a{2}b']);
});

test('brackets, classes and back references', () => {
  const lines = ['a1', 'B2', ']', 'x-y', 'abab', 'abba'];
  assert.deepEqual(matching('^[[:alpha:]][[:digit:]]$', lines), ['a1', 'B2']);
  assert.deepEqual(matching('^[[:upper:]]', lines), ['B2']);
  assert.deepEqual(matching('^[[:upper:]]', lines, { ignoreCase: true }), [
    'a1',
    'B2',
    'x-y',
    'abab',
    'abba',
  ]);
  assert.deepEqual(matching('^[]]$', lines), [']']);
  assert.deepEqual(matching('x[^a-z]y', lines), ['x-y']);
  assert.deepEqual(matching('^\\(ab\\)\\1$', lines), ['abab']);
  assert.deepEqual(matching('^A', lines, { ignoreCase: true }), ['a1', 'abab', 'abba']);
});

test('one of several patterns is enough, each with groups of its own', () => {
  const lines = ['aa', 'bb', 'ab'];
  assert.deepEqual(matching(['^\\(a\\)\\1', '^\\(b\\)\\1'], lines), ['aa', 'bb']);
});

test('what is no expression is refused, in the words of grep', () => {
  for (const [pattern, syntax, message] of [
    ['[a', 'basic', 'Unmatched [, [^, [:, [., or [='],
    ['\\(a', 'basic', 'Unmatched ( or \\('],
    ['a\\)', 'basic', 'Unmatched ) or \\)'],
    ['(a', 'extended', 'Unmatched ( or \\('],
    ['a\\', 'basic', 'Trailing backslash'],
    ['\\1', 'basic', 'Invalid back reference'],
    ['[b-a]', 'basic', 'Invalid range end'],
    ['[[:none:]]', 'basic', 'Invalid character class name'],
    ['a\\{2,1\\}', 'basic', 'Invalid content of \\{\\}'],
    ['a{40000}', 'extended', 'Regular expression too big'],
  ] as const) {
    assert.throws(
      () => compile([pattern], { syntax, ignoreCase: false, wholeLines: false }),
      error => error instanceof UserError && error.message === message,
      pattern,
    );
  }
});

test('any text is an expression, or is refused: nothing else is thrown', () => {
  const piece = fc.constantFrom(
    'a',
    '\\',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '1',
    ',',
    '*',
    '+',
    '?',
    '|',
    '^',
    '$',
    '.',
    '-',
    ':',
  );
  const pattern = fc.array(piece, { maxLength: 10 }).map(pieces => pieces.join(''));
  fc.assert(
    fc.property(pattern, fc.constantFrom<Syntax>('basic', 'extended', 'fixed'), (text, syntax) => {
      try {
        compile([text], { syntax, ignoreCase: true, wholeLines: true }).test('a');
      } catch (error) {
        assert.ok(error instanceof UserError, `${text}: ${error}`);
      }
    }),
    { numRuns: 2000 },
  );
});
