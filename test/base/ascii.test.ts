import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ascii from '../../src/base/ascii.ts';

test('characters are the bytes that they are', () => {
  const written = { TAB: '\t', NEWLINE: '\n', RETURN: '\r' };
  assert.deepEqual(
    Object.entries(ascii).sort(),
    Object.entries(written)
      .map(([name, character]) => [name, character.charCodeAt(0)])
      .sort(),
  );
});
