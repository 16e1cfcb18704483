import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LineFormat, LineFormatter } from '../../../src/cli/tools/line-formatter.ts';
import { Folder } from '../../support/folder.ts';
import { RUNS } from '../../support/slicing.ts';
import { MemoryOutput } from '../support/memory-output.ts';
import { blocksOf, cuts, files } from '../support/text.ts';
import { iolite, run } from '../support/tools.ts';

const formattings: fc.Arbitrary<LineFormat> = fc.record({
  number: fc.constantFrom('none', 'all', 'nonblank'),
  squeeze: fc.boolean(),
  ends: fc.boolean(),
  tabs: fc.boolean(),
  nonprinting: fc.boolean(),
});

function optionsOf({ number, squeeze, ends, tabs, nonprinting }: LineFormat): string[] {
  return [
    ...(number === 'all' ? ['-n'] : number === 'nonblank' ? ['-b'] : []),
    ...(squeeze ? ['-s'] : []),
    ...(ends ? ['-E'] : []),
    ...(tabs ? ['-T'] : []),
    ...(nonprinting ? ['-v'] : []),
  ];
}

test('LineFormatter shows any bytes as cat does, however they are cut', () => {
  const property = fc.property(files, cuts, formattings, (bytes, lengths, formatting) => {
    // Without an option cat formats nothing.
    if (optionsOf(formatting).length === 0) return;
    const output = new MemoryOutput();
    const formatter = new LineFormatter(formatting, output);
    for (const block of blocksOf(bytes, lengths)) formatter.write(block);
    formatter.end();
    const expected = run('cat', optionsOf(formatting), { input: bytes });
    assert.equal(output.bytes.toString('latin1'), expected.stdout.toString('latin1'));
  });
  fc.assert(property, { numRuns: 250 * RUNS });
});

test('cat writes files and the standard input as cat does, with any options', () => {
  using folder = new Folder();
  const sets = [
    ['-n'],
    ['-b'],
    ['-s'],
    ['-A'],
    ['-e'],
    ['-t'],
    ['-E'],
    ['-T'],
    ['-v'],
    ['-u'],
    ['-nsE'],
    ['-bv'],
    [],
  ];
  let round = 0;
  const property = fc.property(files, files, files, (first, second, input) => {
    writeFileSync(folder.file('first'), first);
    writeFileSync(folder.file('second'), second);
    const args = [...(sets[round++ % sets.length] as string[]), 'first', '-', 'second', 'first'];
    const expected = run('cat', args, { input, cwd: folder.path });
    const { stdout, code } = iolite(['cat', ...args], { input, cwd: folder.path });
    assert.equal(stdout.toString('latin1'), expected.stdout.toString('latin1'), args.join(' '));
    assert.equal(code, 0);
  });
  fc.assert(property, { numRuns: sets.length * RUNS });
});

test('cat goes on after files it cannot read, and exits with 1', () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), 'text\n');
  const { code, stdout, stderr } = iolite(['cat', 'none', 'file', '.', 'file/x', 'file'], {
    cwd: folder.path,
  });
  assert.equal(code, 1);
  assert.equal(stdout.toString(), 'text\ntext\n');
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    'iolite cat: none: No such file or directory',
    'iolite cat: .: Is a directory',
    'iolite cat: file/x: Not a directory',
  ]);
});
