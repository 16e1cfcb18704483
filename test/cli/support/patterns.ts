import fc from 'fast-check';
import type { Syntax } from '../../../src/cli/tools/grep/pattern.ts';

/** Atoms of both syntaxes, and of plain text. */
const atoms = fc.constantFrom(
  ...[
    'a',
    'b',
    'x',
    ' ',
    '.',
    '[ab]',
    '[^a]',
    '[[:space:]]',
    '[]x]',
    '[a-c.]',
    '[^[:alpha:] ]',
    '\\.',
    '\\w',
    '\\W',
  ],
  ...[
    '\\s',
    '\\S',
    'é',
    'ab',
    '\t',
    '\r',
    '-',
    ']',
    '}',
    ',',
    '/',
    '"',
    '[[.-.]]',
    '[[=a=]b]',
    '[^]]',
    '[b-]',
  ],
);
/** What matches no byte; POSIX does not say what a repetition of it means. */
const places = fc.constantFrom('\\b', '\\B', '\\<', '\\>', '$', '^');
const basicParts = fc.constantFrom('*', '\\{1,2\\}', '\\{2\\}', '\\{0,\\}', '\\+', '\\?', '\\|', '');
const extendedParts = fc.constantFrom('*', '{1,2}', '{2}', '+', '?', '|', '');

function patternsOf(parts: fc.Arbitrary<string>, open: string, close: string): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(atoms, fc.oneof(fc.constant(''), parts)).map(([a, part]) => a + part) },
    { weight: 1, arbitrary: places },
  );
  const group = fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), parts)
    .map(([pieces, part]) => `${open}${pieces.join('')}${close}${part}`);
  return fc
    .array(fc.oneof({ weight: 4, arbitrary: piece }, { weight: 1, arbitrary: group }), { maxLength: 4 })
    .map(p => p.join(''));
}

/** Patterns as people write them, with repetitions, groups and places. */
export const patternCases: fc.Arbitrary<{ syntax: Syntax; pattern: string }> = fc.oneof(
  patternsOf(basicParts, '\\(', '\\)').map(pattern => ({ syntax: 'basic' as const, pattern })),
  patternsOf(extendedParts, '(', ')').map(pattern => ({ syntax: 'extended' as const, pattern })),
  fc.stringMatching(/^[ab .x*\\]{0,3}$/).map(pattern => ({ syntax: 'fixed' as const, pattern })),
);
