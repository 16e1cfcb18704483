import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../../../src/http/message/status-error.ts';

test('a StatusError is what the error handlers of Connect and Express know', () => {
  const error = new StatusError(416, ['Content-Range', 'bytes */10', 'X-A', 'b']);
  assert.ok(error instanceof Error);
  const { code, message, status, statusCode, expose, headers } = error;
  assert.deepEqual(
    { code, message, status, statusCode, expose, headers },
    {
      code: 'ERR_IOLITE_STATUS',
      message: 'Range Not Satisfiable',
      status: 416,
      statusCode: 416,
      expose: true,
      headers: { 'Content-Range': 'bytes */10', 'X-A': 'b' },
    },
  );
});

test('what the server is to blame for is not exposed, and a status without a name has its number', () => {
  assert.equal(new StatusError(499).expose, true);
  assert.equal(new StatusError(499).message, 'Status 499');
  assert.equal(new StatusError(500).expose, false);
  assert.deepEqual(new StatusError(500).headers, {});
});
