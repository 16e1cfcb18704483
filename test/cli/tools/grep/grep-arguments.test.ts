import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainArguments } from '../../../../src/cli/tools/grep/grep-arguments.ts';

test('arguments in the ways of GNU are written as commander reads them', () => {
  for (const [given, plain] of [
    ['-3 x', '-C3 x'],
    ['-n5 x', '-n -C5 x'],
    ['-12n x', '-C12 -n x'],
    ['-e -3 -3', '-e -3 -C3'],
    ['-ne-3', '-n -e-3'],
    ['-nA2 -m 3', '-n -A2 -m 3'],
    ['-A 2 -1', '-A 2 -C1'],
    ['--regexp -1 -1', '--regexp -1 -C1'],
    ['--regexp=-1 -1', '--regexp=-1 -C1'],
    ['--exclude-dir -1 -1', '--exclude-dir -1 -C1'],
    ['--color x', '--color=auto x'],
    ['--colour=always x', '--color=always x'],
    ['--count x - -1', '--count x - -C1'],
    ['x -- -1 --color', 'x -- -1 --color'],
    ['-e', '-e'],
  ] as const) {
    assert.deepEqual(plainArguments(given.split(' ')), plain.split(' '), given);
  }
});
