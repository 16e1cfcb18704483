import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { colorsOf } from '../../../../src/cli/tools/grep/colors.ts';
import { LinePrinter } from '../../../../src/cli/tools/grep/line-printer.ts';
import { LineSearch } from '../../../../src/cli/tools/grep/line-search.ts';
import { LongestMatch } from '../../../../src/cli/tools/grep/longest-match.ts';
import { matcherOf } from '../../../../src/cli/tools/grep/matcher.ts';
import { compile, type Syntax } from '../../../../src/cli/tools/grep/pattern.ts';
import { Folder } from '../../../support/folder.ts';
import { RUNS } from '../../../support/slicing.ts';
import { MemoryOutput } from '../../support/memory-output.ts';
import { patternCases } from '../../support/patterns.ts';
import { blocksOf, cuts, files } from '../../support/text.ts';
import { run } from '../../support/tools.ts';

const FLAGS: Record<Syntax, string> = { basic: '-G', extended: '-E', fixed: '-F' };
const GREP_COLORS = ['', 'ms=01;32:mc=4:sl=1:cx=2:ne', 'sl=7:cx=2:rv', 'mt=', 'fn=34:ln=33:bn=31:se='];

const choices = fc.record({
  ignoreCase: fc.boolean(),
  words: fc.boolean(),
  wholeLines: fc.boolean(),
  numbers: fc.boolean(),
  offsets: fc.boolean(),
  inverted: fc.boolean(),
  onlyMatches: fc.boolean(),
  zeroEnds: fc.boolean(),
  zeroNames: fc.boolean(),
  named: fc.boolean(),
  counts: fc.boolean(),
  before: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  after: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  max: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  colors: fc.option(fc.constantFrom(...GREP_COLORS), { nil: undefined }),
});
type Choice = typeof choices extends fc.Arbitrary<infer T> ? T : never;

function argumentsOf(choice: Choice): string[] {
  const flags = {
    '-i': choice.ignoreCase,
    '-w': choice.words,
    '-x': choice.wholeLines,
    '-n': choice.numbers,
    '-b': choice.offsets,
    '-v': choice.inverted,
    '-o': choice.onlyMatches,
    '-z': choice.zeroEnds,
    '-Z': choice.zeroNames,
    '-H': choice.named,
    '-c': choice.counts,
    [`-B${choice.before}`]: choice.before !== undefined,
    [`-A${choice.after}`]: choice.after !== undefined,
    [`-m${choice.max}`]: choice.max !== undefined,
    '--color=always': choice.colors !== undefined,
  };
  return Object.entries(flags).flatMap(([flag, isSet]) => (isSet ? [flag] : []));
}

/** What is put of an input, twice: as if it were two files. */
function search(bytes: Buffer, lengths: readonly number[], expression: () => RegExp, choice: Choice): Buffer {
  const { numbers, offsets, onlyMatches, inverted, zeroNames, zeroEnds, before, after } = choice;
  const output = new MemoryOutput();
  const lineEnd = zeroEnds ? 0 : 0x0a;
  const layout = {
    numbers,
    offsets,
    onlyMatches,
    inverted,
    zeroNames,
    lineEnd,
    colors: choice.colors === undefined ? undefined : colorsOf(choice.colors),
    groupSeparator: before === undefined && after === undefined ? undefined : '--',
  };
  const printer = new LinePrinter(layout, output, new LongestMatch(expression()), false);
  const context = { before: before ?? 0, after: after ?? 0 };
  const what = choice.counts ? ('counts' as const) : ('lines' as const);
  const display = { what, numbers, inverted, maxLines: choice.max ?? Number.POSITIVE_INFINITY };
  for (const name of ['file', 'file']) {
    printer.begin(choice.named ? name : undefined);
    const matcher = matcherOf(expression(), false, lineEnd);
    const found = new LineSearch(matcher, display, printer, context, lineEnd);
    for (const block of blocksOf(bytes, lengths)) {
      if (!found.done) found.add({ bytes: block });
    }
    if (!found.done) found.endOfInput();
    if (choice.counts) output.put(Buffer.from(`${found.count}\n`));
  }
  return output.bytes;
}

test('LineSearch shows of any bytes what grep shows: context, matches, offsets, colors, other ends', () => {
  using folder = new Folder();
  const property = fc.property(
    files,
    cuts,
    patternCases,
    choices,
    (bytes, lengths, { syntax, pattern }, choice) => {
      // grep knows in advance that nothing is selected here, and does not even say 0.
      // Which part of a line is a match of words, GNU's grep says only where all of it is of words.
      const showsMatches = choice.onlyMatches || choice.colors !== undefined;
      if (choice.words && (choice.wholeLines || (showsMatches && !/^[abx.*|]*$/.test(pattern)))) return;
      // Of context behind -m it takes -x for kept.
      if (choice.wholeLines && choice.inverted && choice.max !== undefined && showsMatches) return;
      if (pattern === '' && choice.inverted && !choice.wholeLines && !choice.words) return;
      // How a name is shown with a count is a matter of the command.
      const named = choice.named && !choice.counts;
      const args = ['-a', ...argumentsOf({ ...choice, named }), ...(named ? [] : ['-h'])];
      args.push(FLAGS[syntax], '-e', pattern, 'file', 'file');
      writeFileSync(folder.file('file'), bytes);
      const env = { LC_ALL: 'C', GREP_COLORS: choice.colors ?? '' };
      const expected = run('grep', args, { cwd: folder.path, env });
      if (expected.code === 2) return;
      const expression = (): RegExp =>
        compile([Buffer.from(pattern).toString('latin1')], { syntax, ...choice });
      const shown = search(bytes, lengths, expression, { ...choice, named }).toString('latin1');
      assert.equal(shown, expected.stdout.toString('latin1'), JSON.stringify([args, env.GREP_COLORS]));
    },
  );
  fc.assert(property, { numRuns: 400 * RUNS });
});
