import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnswerListener,
  type AnswerReport,
  joinListeners,
} from '../../../src/http/message/answer-report.ts';
import { requestFor } from '../support/asked.ts';

const REPORT: AnswerReport = {
  request: requestFor('/'),
  method: 'GET',
  lane: 'node',
  httpVersion: '1.1',
  status: 200,
  bytes: 7,
  duration: 1.5,
  remoteAddress: undefined,
};

test('joinListeners() tells all, in their order, and wants times if one does', () => {
  const told: unknown[] = [];
  const listener = (name: string, wantsDuration: boolean): AnswerListener => ({
    wantsDuration,
    answered: report => told.push([name, report]),
  });
  const counter = listener('counter', false);
  assert.equal(joinListeners([]), undefined);
  assert.equal(joinListeners([counter]), counter);
  assert.equal(joinListeners([counter, listener('other', false)])?.wantsDuration, false);
  const joined = joinListeners([counter, listener('log', true)]);
  assert.equal(joined?.wantsDuration, true);
  joined?.answered(REPORT);
  assert.deepEqual(told, [
    ['counter', REPORT],
    ['log', REPORT],
  ]);
});
