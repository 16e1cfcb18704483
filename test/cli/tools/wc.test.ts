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
