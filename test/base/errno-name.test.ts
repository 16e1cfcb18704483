import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoName } from '../../src/base/errno-name.ts';
import { SystemError } from '../../src/base/error.ts';

test('errnoName() has the kernel’s names, also of what libuv does not know', () => {
  const names = { 2: 'ENOENT', 37: 'ENOLCK', 109: 'ETOOMANYREFS', 116: 'ESTALE', 123: 'ENOMEDIUM' };
  for (const [errno, name] of Object.entries(names)) assert.equal(errnoName(Number(errno)), name);
  for (let errno = 1; errno <= 133; errno++) assert.match(errnoName(errno), /^E[A-Z0-9]+$/);
  assert.equal(new SystemError('sendmsg', 109, 'Cannot send').code, 'ETOOMANYREFS');
});
