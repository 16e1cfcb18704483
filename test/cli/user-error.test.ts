import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/cli/user-error.ts';

test('its message is the first of the faults', () => {
  const { message, faults } = new UserError('one', 'two');
  assert.deepEqual([message, faults], ['one', ['one', 'two']]);
});
