import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveAcl } from '../../src/memory/acl.ts';
import { defaultPool } from '../../src/memory/default-pool.ts';

test('there is one default pool, for processes of the same user', () => {
  const pool = defaultPool();
  assert.equal(defaultPool(), pool);
  assert.deepEqual(pool.acl, resolveAcl(undefined));
  assert.ok(pool.reserve(100).bytes.length >= 100);
});
