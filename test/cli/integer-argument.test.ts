import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { integerArgument } from '../../src/cli/integer-argument.ts';

test('an integer of the command line is one in decimal digits, within its bounds', () => {
  const parse = integerArgument(1, 256);
  for (const [text, value] of [
    ['1', 1],
    ['007', 7],
    ['256', 256],
  ] as const) {
    assert.equal(parse(text), value);
  }
  for (const text of ['', '0', '257', '-1', '+1', ' 1', '1.0', '1e2', '0x10', 'one', '١']) {
    assert.throws(
      () => parse(text),
      error =>
        error instanceof InvalidArgumentError && error.message === 'An integer from 1 to 256 is wanted.',
      text,
    );
  }
});
