import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now } from '../../src/base/clock.ts';
import { attemptUntil } from '../../src/cluster/attempt-until.ts';
import { ClusterError } from '../../src/cluster/cluster-error.ts';

test('what fails is attempted again until it does not, or is given up', async () => {
  let count = 0;
  const second = async () => {
    count += 1;
    if (count === 1) throw new Error('no leader');
    return count;
  };
  assert.equal(await attemptUntil(now() + 60_000, second), 2);
  count = 0;
  await assert.rejects(attemptUntil(now(), second), /no leader/);
  const refuse = async () => {
    count += 1;
    throw new ClusterError('taken');
  };
  await assert.rejects(attemptUntil(now() + 60_000, refuse), /taken/);
  assert.equal(count, 2);
});
