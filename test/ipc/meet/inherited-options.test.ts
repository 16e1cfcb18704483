import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inheritedOptions } from '../../../src/ipc/meet/inherited-options.ts';

test('a child inherits options, and no program', () => {
  for (const [own, inherited] of [
    [[], []],
    [
      ['--import', 'tsx', '--expose-gc'],
      ['--import', 'tsx', '--expose-gc'],
    ],
    [['-e', 'fork()'], []],
    [
      ['--expose-gc', '--eval', 'fork()', '--no-warnings'],
      ['--expose-gc', '--no-warnings'],
    ],
    [['--eval=fork()', '--expose-gc'], ['--expose-gc']],
    [['-p', 'fork()'], []],
    [['-pe', 'fork()'], []],
    [['-p', '-e', 'fork()'], []],
    [['--print', '--eval', 'fork()'], []],
    [['--input-type=module', '-e', 'fork()'], []],
    [['--input-type', 'module', '--eval', 'fork()'], []],
    [['-i', '-e', 'fork()'], []],
  ] as const)
    assert.deepEqual(inheritedOptions(own), inherited, own.join(' '));
});
