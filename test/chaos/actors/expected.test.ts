import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExpected } from '../../../chaos/actors/expected.ts';
import { IoliteError } from '../../../src/base/error.ts';

test('that a peer dies is expected, that it breaks the protocol is not', () => {
  assert.ok(isExpected(new IoliteError('ERR_IOLITE_PEER', 'It is gone')));
  assert.ok(!isExpected(new IoliteError('ERR_IOLITE_PROTOCOL', 'It speaks otherwise')));
  assert.ok(!isExpected(new TypeError('A fault of ours')));
  assert.ok(!isExpected(undefined));
});
