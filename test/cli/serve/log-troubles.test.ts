import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogTroubles } from '../../../src/cli/serve/log-troubles.ts';

test('what all workers find is said once, and once that it is over, with what it cost', context => {
  const { mock } = context.mock.method(process.stderr, 'write', () => true);
  const troubles = new LogTroubles();
  const [one, two] = [{}, {}];
  for (const worker of [one, two]) troubles.told(worker, { trouble: 'Cannot log: full' });
  troubles.told(one, { lost: 3 });
  troubles.told(two, { lost: 4 });
  troubles.told(one, { trouble: 'Cannot log: full' });
  troubles.forget(one);
  troubles.told(two, { trouble: 'Cannot log: full' });
  mock.restore();
  assert.deepEqual(
    mock.calls.map(call => call.arguments[0]),
    [
      'iolite: Cannot log: full\n',
      'iolite: The log is written again; 7 of its lines were lost\n',
      'iolite: Cannot log: full\n',
      'iolite: Cannot log: full\n',
    ],
  );
});
