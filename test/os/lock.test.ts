import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDescriptor, reopenReadOnly } from '../../src/os/descriptor.ts';
import { isLockedElsewhere, tryLockExclusive, tryLockShared, unlock } from '../../src/os/lock.ts';
import { createMemfd } from '../../src/os/memfd.ts';

test('tryLockShared() lets many read and none write', () => {
  const fd = createMemfd('test', 4096);
  const one = reopenReadOnly(fd);
  const other = reopenReadOnly(fd);
  try {
    assert.equal(tryLockShared(one), true);
    assert.equal(tryLockShared(other), true);
    assert.equal(tryLockExclusive(fd), false);
    assert.equal(isLockedElsewhere(fd), true);
    unlock(one);
    assert.equal(tryLockExclusive(fd), false);
    unlock(other);
    assert.equal(isLockedElsewhere(fd), false);
    assert.equal(tryLockExclusive(fd), true);
    assert.equal(tryLockShared(one), false);
  } finally {
    for (const each of [fd, one, other]) closeDescriptor(each);
  }
});

test('a lock ends with the last descriptor of its description', () => {
  const fd = createMemfd('test', 4096);
  const reader = reopenReadOnly(fd);
  try {
    assert.equal(tryLockShared(reader), true);
    closeDescriptor(reader);
    assert.equal(tryLockExclusive(fd), true);
  } finally {
    closeDescriptor(fd);
  }
});

test('tryLockShared() reports a closed descriptor', () => {
  assert.throws(() => tryLockShared(-1), { code: 'EBADF', syscall: 'fcntl' });
});
