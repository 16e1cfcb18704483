import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestCounter } from '../../../src/cli/serve/request-counter.ts';
import { requestFor } from '../../http/support/asked.ts';

test('answers are counted, but for those that show the status', () => {
  const counter = new RequestCounter();
  const outcome = { httpVersion: '1.1', status: 404, bytes: 0, duration: 0, remoteAddress: undefined };
  for (const [target, requests] of [
    ['/', 1],
    ['/missing', 2],
    ['/_iolite', 2],
    ['/_iolite/status.json', 2],
    ['/_iolite/other', 3],
  ] as const) {
    counter.answered({ request: requestFor(target), ...outcome });
    assert.equal(counter.requests, requests, target);
  }
});
