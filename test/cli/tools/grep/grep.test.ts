import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { matcherOf } from '../../../../src/cli/tools/grep/matcher.ts';
import { compile, type Syntax } from '../../../../src/cli/tools/grep/pattern.ts';
import { type Display, Search } from '../../../../src/cli/tools/grep/search.ts';
import { Folder } from '../../../support/folder.ts';
import { RUNS } from '../../../support/slicing.ts';
import { MemoryOutput } from '../../support/memory-output.ts';
import { patternCases as cases } from '../../support/patterns.ts';
import { blocksOf, cuts, files } from '../../support/text.ts';
import { iolite, run, shell } from '../../support/tools.ts';

const C = { LC_ALL: 'C' };

const FLAGS: Record<Syntax, string> = { basic: '-G', extended: '-E', fixed: '-F' };

interface Choice {
  readonly ignoreCase: boolean;
  readonly wholeLines: boolean;
  readonly words: boolean;
  readonly numbers: boolean;
  readonly inverted: boolean;
  readonly what: 'lines' | 'counts';
  readonly max: number | undefined;
}

const choices: fc.Arbitrary<Choice> = fc.record({
  ignoreCase: fc.boolean(),
  wholeLines: fc.boolean(),
  words: fc.boolean(),
  numbers: fc.boolean(),
  inverted: fc.boolean(),
  what: fc.constantFrom('lines', 'counts'),
  max: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
});

function search(
  bytes: Buffer,
  lengths: readonly number[],
  matcher: ReturnType<typeof matcherOf>,
  choice: Choice,
): Buffer {
  const output = new MemoryOutput();
  const { numbers, inverted, what, max = Number.POSITIVE_INFINITY } = choice;
  const showing: Display = { what, numbers, inverted, maxLines: max };
  const found = new Search(matcher, showing, output, '');
  for (const block of blocksOf(bytes, lengths)) {
    if (found.done) break;
    found.add({ bytes: block });
  }
  if (!found.done) found.endOfInput();
  if (what === 'counts') output.put(Buffer.from(`${found.count}\n`));
  return output.bytes;
}

test('Search finds in any bytes what grep finds, however they are cut', () => {
  const property = fc.property(files, cuts, cases, choices, (bytes, lengths, { syntax, pattern }, choice) => {
    const { ignoreCase, wholeLines, words, numbers, inverted, what, max } = choice;
    // grep knows in advance that nothing is selected here, and does not even say 0.
    if (pattern === '' && inverted && !wholeLines) return;
    const args = ['-a', FLAGS[syntax], ...(ignoreCase ? ['-i'] : []), ...(wholeLines ? ['-x'] : [])];
    args.push(...(words ? ['-w'] : []));
    args.push(...(numbers ? ['-n'] : []), ...(inverted ? ['-v'] : []), ...(what === 'counts' ? ['-c'] : []));
    args.push(...(max === undefined ? [] : ['-m', String(max)]), '-e', pattern);
    const expected = run('grep', args, { input: bytes, env: C });
    const latin1 = Buffer.from(pattern).toString('latin1');
    const compiled = (): RegExp => compile([latin1], { syntax, ignoreCase, wholeLines, words });
    if (expected.code === 2) {
      assert.throws(compiled, { name: 'Error' }, args.join(' '));
      return;
    }
    const shown = search(bytes, lengths, matcherOf(compiled()), choice).toString('latin1');
    assert.equal(shown, expected.stdout.toString('latin1'), args.join(' '));
    if (syntax !== 'fixed' || ignoreCase || wholeLines || words) return;
    const plain = search(bytes, lengths, matcherOf(Buffer.from(pattern)), choice).toString('latin1');
    assert.equal(plain, shown, args.join(' '));
  });
  fc.assert(property, { numRuns: 1000 * RUNS });
});

test("an anchor behind an anchor is an ordinary character, as grep's basic syntax has it", () => {
  const bytes = Buffer.from('\n^\n^a\na\n*\n^*\n');
  for (const pattern of ['^^', '^^a', '^*', '^**', '\\(^^\\)', '^\\(^a\\)', 'a\\|^^']) {
    const expected = run('grep', ['-a', '-G', '-e', pattern], { input: bytes, env: C });
    const compiled = compile([pattern], { syntax: 'basic', ignoreCase: false, wholeLines: false });
    const choice = {
      ignoreCase: false,
      wholeLines: false,
      words: false,
      numbers: false,
      inverted: false,
      max: undefined,
    };
    const found = search(bytes, [bytes.length], matcherOf(compiled), { ...choice, what: 'lines' });
    assert.equal(found.toString(), expected.stdout.toString(), pattern);
  }
});

test('Search passes long runs of lines on by reference', () => {
  const pool = createPool({ memory: 'heap' });
  const line = `${'x'.repeat(99)}\n`;
  const text = Buffer.from(`none\n${line.repeat(500)}none\n${line}`);
  using whole = pool.from(text);
  const output = new MemoryOutput();
  const showing: Display = {
    what: 'lines',
    numbers: false,
    inverted: false,
    maxLines: Number.POSITIVE_INFINITY,
  };
  const found = new Search(matcherOf(Buffer.from('x')), showing, output, '');
  found.add({ bytes: text, share: (start, end) => whole.slice(start, end) });
  found.endOfInput();
  assert.equal(output.passed, 1);
  assert.equal(output.bytes.toString(), line.repeat(501));
});

test('grep with several files, names, counts and exit codes is as grep', () => {
  using folder = new Folder();
  writeFileSync(folder.file('one'), 'alpha\nbeta\nGamma\n');
  writeFileSync(folder.file('two'), 'beta\r\nbe\0ta');
  writeFileSync(folder.file('three'), '');
  writeFileSync(folder.file('patterns'), 'be.*a\nG');
  const sorted = (text: Buffer): string => text.toString('latin1').split('\n').sort().join('\n');
  const sets = [
    ['beta', 'one', 'two', 'three'],
    ['-h', 'beta', 'one', 'two'],
    ['-H', '-n', 'a', 'one'],
    ['-c', 'a', 'one', 'two', 'three', '-'],
    ['-l', 'beta', 'one', 'two', 'three', '-'],
    ['-L', 'beta', 'one', 'two', 'three', '-'],
    ['-L', 'a', 'one', 'two'],
    ['-f', 'patterns', 'one', 'two'],
    ['-f', 'three', 'one'],
    ['-vf', 'three', 'one'],
    ['-e', 'Gam', '-f', '-', 'one'],
    ['-f', 'none', 'one'],
    ['-cv', 'x', 'one', 'three'],
    ['-q', 'beta', 'one'],
    ['-q', 'beta', 'none', 'one'],
    ['-q', 'nothing', 'one'],
    ['-i', 'gamma', 'one'],
    ['-m1', 'a', 'one', 'two'],
    ['-m0', 'a', 'one'],
    ['nothing', 'one'],
    ['a', 'none', 'one'],
    ['-s', 'a', 'none', 'one'],
    ['a', '.'],
    ['-e', 'alpha', '-e', 'Gamma', 'one', '-'],
    ['alpha\nGamma', 'one'],
    ['-F', 'a\n.', 'one'],
    ['-n', 'in'],
    ['-E', '(a', 'one'],
    ['-E', 'a)', 'one'],
    ['\\(a', 'one'],
    ['[a', 'one'],
    ['[[:nope:]]', 'one'],
    ['\\(a\\)\\2', 'one'],
    ['a\\', 'one'],
    ['a\\{2,1\\}', 'one'],
    ['-E', '(.)\\1', 'one'],
    ['-e', '\\(a\\)', '-e', '\\(t\\)a\\|\\(m\\)\\2', 'one'],
    ['', 'one', 'three'],
    ['-v', '', 'one'],
    ['-c', '-f', 'three', 'one'],
    ['-on', 'a.', 'one', 'two'],
    ['-1', 'beta', 'one'],
    ['-ob', 'a', 'two', '-'],
    ['--color', '-n', 'a', 'one'],
    ['--color=always', '-c', 'a', 'one', 'two'],
    ['-lZ', 'a', 'one', 'two'],
    ['--label=there', '-H', 'in'],
    ['-m1', '-A1', '--group-separator=x', 'a', 'one', 'two'],
    ['-r', 'alpha', 'one'],
    ['-r', 'alpha', '.', 'none'],
    ['-rh', 'alpha'],
    ['-rc', 'alpha', '--include=*wo', '--exclude-dir=x'],
    ['--exclude-dir=.', 'a', '.'],
  ];
  const options = { cwd: folder.path, input: Buffer.from('in\nbeta\nfile') };
  for (const args of sets) {
    const expected = run('grep', ['-a', ...args], { ...options, env: C });
    const { stdout, stderr, code } = iolite(['grep', ...args], options);
    // Directories are read in the order of the system.
    const shown = args[0]?.startsWith('-r') ? sorted : (text: Buffer): string => text.toString('latin1');
    assert.equal(shown(stdout), shown(expected.stdout), args.join(' '));
    assert.equal(code, expected.code, args.join(' '));
    assert.equal(stderr, expected.stderr.replace(/^grep:/gm, 'iolite grep:'), args.join(' '));
  }
});

test('grep without a pattern is a usage error', () => {
  const { code, stderr } = iolite(['grep']);
  assert.equal(code, 2);
  assert.equal(stderr, 'iolite grep: a pattern is wanted\n');
});

test('-m leaves a standard input that is a file behind the last line that was taken', () => {
  using folder = new Folder();
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ${i % 7 === 0 ? 'seven' : ''}`);
  writeFileSync(folder.file('text'), `${lines.join('\n')}\nlast seven`);
  const { path: cwd } = folder;
  for (const args of [
    '-m1 line',
    '-m3 seven',
    '-m 5700 -n seven',
    '-m2 -c line',
    '-m1 -v line',
    '-m9999 seven',
  ]) {
    const script = (grep: string) => `{ ${grep} ${args}; echo; cat; } < text | cksum`;
    const ours = shell(script('iolite grep'), { cwd });
    assert.deepEqual(ours.stderr, '', args);
    assert.equal(ours.stdout.toString(), shell(script('grep -a'), { cwd }).stdout.toString(), args);
  }
});
