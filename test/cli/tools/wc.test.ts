import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { iolite, type RunOptions, run } from '../support/tools.ts';

const ENV = { LC_ALL: 'C.UTF-8' };

function matches(args: readonly string[], options: RunOptions): void {
  const expected = run('wc', args, { ...options, env: ENV });
  const { stdout, stderr, code } = iolite(['wc', ...args], options);
  assert.equal(stdout.toString(), expected.stdout.toString(), args.join(' '));
  assert.equal(code, expected.code);
  assert.equal(stderr, expected.stderr.replace(/^wc:/gm, 'iolite wc:'));
}

test('wc lays its columns out as wc does', () => {
  using folder = new Folder();
  writeFileSync(folder.file('empty'), '');
  writeFileSync(folder.file('small'), 'ä word\nand another\n');
  writeFileSync(folder.file('large'), 'x y\n'.repeat(30_000));
  mkdirSync(folder.file('folder'));
  const options = { cwd: folder.path, input: Buffer.from('from\nstdin') };
  for (const flags of [[], ['-l'], ['-w'], ['-c'], ['-m'], ['-lw'], ['-cm'], ['-mcwl']]) {
    const operands = [
      [],
      ['-'],
      ['small'],
      ['empty', 'large', 'small'],
      ['small', '-'],
      ['folder', 'small', 'none'],
    ];
    for (const files of operands) matches([...flags, ...files], options);
  }
  matches(['none'], options);
  matches(['folder'], options);
  matches(['-l', 'folder'], options);
});

test('wc -c tells the size of a file that it need not read, and reads what has no size', () => {
  using folder = new Folder();
  writeFileSync(folder.file('sparse'), '');
  truncateSync(folder.file('sparse'), 2 ** 40);
  const { stdout } = iolite(['wc', '-c', 'sparse'], { cwd: folder.path });
  assert.equal(stdout.toString(), `${2 ** 40} sparse\n`);
  const { length } = run('cat', ['/proc/version']).stdout;
  assert.equal(iolite(['wc', '-c', '/proc/version']).stdout.toString(), `${length} /proc/version\n`);
});

test('wc -L tells the columns of the widest line, and --files0-from names files, as those of wc do', () => {
  using folder = new Folder();
  writeFileSync(folder.file('a'), 'ab\tc\nx\n');
  writeFileSync(folder.file('b c'), 'a\rbcd\f漢字é\n');
  writeFileSync(folder.file('names'), 'a\0b c');
  writeFileSync(folder.file('with-stdin'), 'a\0-\0');
  writeFileSync(folder.file('with-empty'), 'a\0\0none\0');
  writeFileSync(folder.file('nothing'), '');
  const options = { cwd: folder.path, input: Buffer.from('b c\0a\0') };
  matches(['-lmL', 'a', 'b c'], options);
  for (const from of ['-', 'names', 'with-stdin', 'with-empty', 'nothing', 'absent', '.']) {
    matches([`--files0-from=${from}`], options);
  }
  matches(['-L', '--files0-from=-'], { ...options, input: Buffer.from('-\0a\0\0') });
  const { code, stderr } = iolite(['wc', '--files0-from=names', 'a'], options);
  assert.equal(code, 1);
  assert.equal(stderr, 'iolite wc: file operands cannot be combined with --files0-from\n');
});
