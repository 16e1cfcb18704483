import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readdirSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor, reopenReadOnly } from '../../src/os/descriptor.ts';
import { map } from '../../src/os/mapping/mapping.ts';
import { addSeals, createMemfd, getSeals, isReadOnly, Seal } from '../../src/os/memfd.ts';
import { isRoot, NOBODY } from '../support/public-program.ts';

const ALL = Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE;

test('createMemfd() makes a file of the size asked for, close-on-exec', () => {
  const fd = createMemfd('test', 12_288);
  try {
    assert.equal(fstatSync(fd).size, 12_288);
    assert.equal(getSeals(fd), 0);
    assert.equal(isReadOnly(fd), false);
  } finally {
    closeDescriptor(fd);
  }
});

test('createMemfd() reports a size the kernel refuses with code, errno and syscall', () => {
  const { length } = readdirSync('/proc/self/fd');
  assert.throws(() => createMemfd('test', -1), { code: 'EINVAL', errno: -22, syscall: 'ftruncate' });
  assert.equal(readdirSync('/proc/self/fd').length, length);
});

test('addSeals() leaves the mapping made before as the only way to write', () => {
  const fd = createMemfd('test', 4096);
  try {
    const mapping = map(fd, 4096, 'read-write', true);
    addSeals(fd, ALL);
    mapping.bytes[0] = 7;
    assert.equal(map(fd, 4096, 'read-only', false).bytes[0], 7);
    assert.throws(() => map(fd, 4096, 'read-write', false), { code: 'EPERM', syscall: 'mmap' });
    assert.throws(() => writeSync(fd, 'x', 0), { code: 'EPERM' });
  } finally {
    closeDescriptor(fd);
  }
});

test('addSeals() refuses the WRITE seal while a writable mapping stands', () => {
  const fd = createMemfd('test', 4096);
  try {
    map(fd, 4096, 'read-write', true).bytes[0] = 1;
    assert.throws(() => addSeals(fd, Seal.WRITE), { code: 'EBUSY', syscall: 'fcntl' });
  } finally {
    closeDescriptor(fd);
  }
});

test('reopenReadOnly() gives a description that cannot write, nor can one reopened from it', () => {
  const fd = createMemfd('test', 4096);
  map(fd, 4096, 'read-write', true);
  addSeals(fd, ALL);
  const readOnly = reopenReadOnly(fd);
  try {
    assert.equal(isReadOnly(readOnly), true);
    assert.throws(() => writeSync(readOnly, 'x', 0), { code: 'EBADF' });
    assert.throws(() => map(readOnly, 4096, 'read-write', false), { code: 'EACCES' });
    const reopened = openSync(`/proc/self/fd/${readOnly}`, 'r+');
    try {
      assert.throws(() => writeSync(reopened, 'x', 0), { code: 'EPERM' });
      assert.throws(() => map(reopened, 4096, 'read-write', false), { code: 'EPERM' });
    } finally {
      closeSync(reopened);
    }
  } finally {
    closeDescriptor(readOnly);
    closeDescriptor(fd);
  }
});

test('getSeals() refuses what is not a memfd', () => {
  const fd = openSync('/dev/null', 'r');
  try {
    assert.throws(() => getSeals(fd), { code: 'EINVAL', syscall: 'fcntl' });
  } finally {
    closeSync(fd);
  }
});

test('createMemfd() makes what another user can open for reading only', {
  skip: isRoot ? false : 'not root',
}, () => {
  const fd = createMemfd('test', 4096);
  const readable = reopenReadOnly(fd);
  const program =
    "for (const m of ['r', 'r+']) try { fs.openSync('/proc/self/fd/3', m); console.log(m) } catch {}";
  const { stdout } = spawnSync(process.execPath, ['-e', program], {
    ...NOBODY,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit', readable],
    encoding: 'utf8',
  });
  assert.equal(stdout, 'r\n');
  for (const each of [fd, readable]) closeDescriptor(each);
});
