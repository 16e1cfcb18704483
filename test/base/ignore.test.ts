import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ignore } from '../../src/base/ignore.ts';

test('what a promise fails with is ignored', async () => {
  assert.equal(await Promise.reject(new Error('of no concern')).catch(ignore), undefined);
});
