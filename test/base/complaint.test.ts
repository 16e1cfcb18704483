import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintLine } from '../../src/base/complaint.ts';

test('an error goes along with its stack; as JSON it is still one line', () => {
  const error = new Error('no database');
  assert.equal(complaintLine('text', 'GET / failed', error), `iolite: GET / failed: ${error.stack}\n`);
  assert.equal(complaintLine('text', 'GET / failed', 'odd'), 'iolite: GET / failed: odd\n');
  const line = complaintLine('json', 'GET / failed', error);
  assert.equal(line.split('\n').length, 2);
  const { message, level, stack } = JSON.parse(line);
  assert.deepEqual(
    { message, level, stack },
    { message: 'GET / failed: no database', level: 'error', stack: error.stack },
  );
  assert.equal(JSON.parse(complaintLine('json', 'failed', 7)).message, 'failed: 7');
});
