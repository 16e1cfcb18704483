import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineWidth } from '../../../src/cli/tools/line-width.ts';
import { RUNS } from '../../support/slicing.ts';
import { blocksOf, cuts } from '../support/text.ts';
import { run } from '../support/tools.ts';

const characters = fc.constantFrom(
  ...[
    'a',
    ' ',
    '~',
    '\t',
    '\n',
    '\r',
    '\f',
    '\v',
    '\0',
    '\x7f',
    '\x85',
    'é',
    '€',
    '漢',
    'か',
    '한',
    '！',
    'ﬀ',
  ],
  ...['e\u0301', '\u00ad', '\u200b', '\u2028', '\u303f', '😀', '𝄞', '\u{1f1e6}', '\u{20000}', '\ue000'],
);
const broken = fc.constantFrom([0xff], [0xe2, 0x82], [0xc3], [0x80]).map(bytes => Buffer.from(bytes));
const texts = fc
  .array(fc.oneof({ weight: 8, arbitrary: characters.map(text => Buffer.from(text)) }, broken), {
    maxLength: 60,
  })
  .map(parts => Buffer.concat(parts));

test('LineWidth counts columns as wc -L does, however the bytes are cut', () => {
  const property = fc.property(texts, cuts, (bytes, lengths) => {
    const width = new LineWidth();
    for (const block of blocksOf(bytes, lengths)) width.add(block);
    const expected = run('wc', ['-L'], { input: bytes, env: { LC_ALL: 'C.UTF-8' } });
    assert.equal(width.columns, Number(expected.stdout.toString()), JSON.stringify(bytes.toString()));
  });
  fc.assert(property, { numRuns: 150 * RUNS });
});
