import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complain, UserError } from '../../src/cli/user-error.ts';

test('what is said to users is one line in our name', context => {
  const { mock } = context.mock.method(process.stderr, 'write', () => true);
  complain(new UserError('Cannot serve it').message);
  assert.deepEqual(
    mock.calls.map(call => call.arguments),
    [['iolite: Cannot serve it\n']],
  );
  mock.restore();
});
