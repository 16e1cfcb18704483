import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { arch } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sharedMemoryIsSupported, sharedMemoryProblem } from '../../src/memory/support.ts';
import { Folder } from '../support/folder.ts';

const SANDBOXED = fileURLToPath(new URL('./children/sandboxed.ts', import.meta.url));
const EPERM = 1;
const ENOSYS = 38;
const F_ADD_SEALS = 1033;
const F_OFD_SETLK = 37;
/** Of the kernel: they differ from processor to processor. */
const CALLS = arch() === 'x64' ? { memfd: 319, fcntl: 72 } : { memfd: 279, fcntl: 25 };

test('shared memory is supported here, and is tried once', () => {
  assert.equal(sharedMemoryProblem(), undefined);
  assert.equal(sharedMemoryIsSupported(), true);
});

for (const [what, call, argument, errno, code] of [
  ['memfd_create() is refused', CALLS.memfd, -1, EPERM, 'EPERM'],
  ['memfd_create() is unknown', CALLS.memfd, -1, ENOSYS, 'ENOSYS'],
  ['sealing is refused', CALLS.fcntl, F_ADD_SEALS, EPERM, 'EPERM'],
  ['locks are refused', CALLS.fcntl, F_OFD_SETLK, EPERM, 'EPERM'],
] as const) {
  test(`where ${what}, pools lie on the heap, and one process has all it needs`, () => {
    using folder = new Folder();
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        import.meta.resolve('tsx'),
        SANDBOXED,
        ...[call, argument, errno].map(String),
        folder.file('file'),
      ],
      { encoding: 'utf8' },
    );
    assert.notEqual(stdout, '', stderr);
    const { refused, ...rest } = JSON.parse(stdout);
    assert.deepEqual(rest, { memory: 'heap', text: 'text', read: 'a file', part: 'file' });
    assert.equal(refused.code, 'ERR_IOLITE_UNSUPPORTED');
    assert.match(refused.message, /^Cannot use shared memory here: /);
    assert.equal(refused.cause, code);
  });
}
