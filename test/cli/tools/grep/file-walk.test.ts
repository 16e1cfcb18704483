import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { walk } from '../../../../src/cli/tools/grep/file-walk.ts';
import { NameFilter, type NameRule } from '../../../../src/cli/tools/grep/name-filter.ts';
import { Folder } from '../../../support/folder.ts';
import { run } from '../../support/tools.ts';

/** Files and directories as they lie about, links and what cannot be read among them. */
function makeTree(folder: Folder): void {
  for (const path of ['a/b/c', 'a/.hidden', 'node_modules/x', 'e']) {
    mkdirSync(folder.file(path), { recursive: true });
  }
  for (const path of [
    'one.c',
    'two.h',
    '.dot',
    'a/three.c',
    'a/b/four.txt',
    'a/b/c/five.c',
    'a/.hidden/six',
  ]) {
    writeFileSync(folder.file(path), 'text\n');
  }
  for (const path of ['node_modules/x/seven.c', '[x]', 'back\\slash', 'e/eight.c~']) {
    writeFileSync(folder.file(path), 'text\n');
  }
  symlinkSync('../one.c', folder.file('a/link.c'));
  symlinkSync('..', folder.file('a/b/up'));
  symlinkSync('nowhere', folder.file('a/dangling'));
  symlinkSync('a', folder.file('linked'));
}

const RULES = [
  [],
  ['--include=*.c'],
  ['--exclude=*.c'],
  ['--include=*.[ch]', '--exclude=one.*'],
  ['--exclude=one.*', '--include=*.[ch]'],
  ['--include=[!a-n]*'],
  ['--include=[^[:lower:]]*'],
  ['--include=\\[x\\]', '--include=back\\\\slash'],
  ['--include=?????.c', '--include=.*'],
  ['--include=a/*.c'],
  ['--exclude=*/three.c'],
  ['--include=one.c'],
  ['--exclude-dir=node_modules', '--exclude-dir=.*'],
  ['--exclude-dir=b/'],
  ['--exclude-dir=a'],
  ['--exclude-dir=*'],
  ['--exclude-dir=.'],
];
const OPERANDS = [[], ['.'], ['a'], ['a/', 'one.c'], ['linked'], ['a/link.c', 'two.h'], ['./a/three.c']];

test('a walk finds the files that grep -r finds, by the same rules', () => {
  using folder = new Folder();
  makeTree(folder);
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    for (const flag of ['-R', '-r']) {
      // GNU's -R waits at a named pipe.
      if (flag === '-r') run('mkfifo', ['a/fifo']);
      for (const rules of RULES) {
        for (const operands of OPERANDS) {
          const args = [flag, '-l', 'text', ...rules, ...operands];
          const { stdout, stderr } = run('grep', args, { env: { LC_ALL: 'C' } });
          const expected = [...stdout.toString().split('\n'), ...stderr.replace(/^grep: /gm, '').split('\n')];
          assert.deepEqual(
            found(flag, rules, operands),
            expected.filter(line => line !== '').sort(),
            args.join(' '),
          );
        }
      }
    }
  } finally {
    process.chdir(before);
  }
});

function found(flag: string, given: readonly string[], operands: readonly string[]): string[] {
  const lines: string[] = [];
  const files: NameRule[] = [];
  const folders: NameRule[] = [];
  for (const rule of given) {
    const [, option, pattern = ''] = /^--([^=]*)=(.*)$/.exec(rule) ?? [];
    if (option === 'exclude-dir') folders.push({ pattern: pattern.replace(/\/$/, ''), includes: false });
    else files.push({ pattern, includes: option === 'include' });
  }
  const walked = walk(operands, {
    recurses: true,
    follows: flag === '-R' ? 'all' : 'operands',
    files: new NameFilter(files),
    folders: new NameFilter(folders),
    complain: (name, reason) => lines.push(`${name}: ${String(reason)}`),
  });
  for (const { name } of walked) {
    lines.push(
      name === 'a/dangling' || name.endsWith('/dangling') || name === 'dangling'
        ? `${name}: No such file or directory`
        : name,
    );
  }
  return lines.sort();
}
