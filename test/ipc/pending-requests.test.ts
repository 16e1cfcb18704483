import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingRequests } from '../../src/ipc/pending-requests.ts';

const NOBODY = { resolve: () => {}, reject: () => {} };

test('a number is not given to another request while it waits, is abandoned, or is held', () => {
  const requests = new PendingRequests();
  requests.hold(2);
  requests.abandon(3);
  assert.equal(requests.open(NOBODY), 1);
  assert.equal(requests.open(NOBODY), 4);
  assert.deepEqual(
    [1, 2, 3, 4].map(number => requests.has(number)),
    [true, false, false, true],
  );
  assert.equal(requests.giveUp(4), true);
  assert.equal(requests.has(4), false);
  assert.equal(requests.has(0), false);
  requests.hold(5);
  requests.letGo(5);
  assert.equal(requests.open(NOBODY), 5);
});
