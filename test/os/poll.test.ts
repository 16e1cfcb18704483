import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { hasHungUp, waitUntilReady } from '../../src/os/poll.ts';
import { endSending, socketPair } from '../../src/os/socket.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

test('waitUntilReady() waits until there is something to read, and until there is room', async () => {
  using folder = new Folder();
  const path = folder.file('pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const room = Buffer.alloc(1 << 20);
    assert.throws(() => readSync(fd, room), { code: 'EAGAIN' });
    // Another process writes while this one stands still; not at once, so that there is what to wait for.
    const work = 'head -c 300000000 /dev/zero > /dev/null';
    const writer = spawn('sh', ['-c', `${work}; echo written > "$0"`, path], { stdio: 'ignore' });
    waitUntilReady(fd, 'read');
    assert.equal(room.toString('utf8', 0, readSync(fd, room)), 'written\n');
    await watchdog(once(writer, 'exit'), 'the writer to end');
    waitUntilReady(fd, 'write');
    assert.throws(
      () => {
        for (;;) writeSync(fd, room);
      },
      { code: 'EAGAIN' },
    );
    const reader = spawn('sh', ['-c', `${work}; head -c 65536 "$0"`, path], { stdio: 'ignore' });
    waitUntilReady(fd, 'write');
    assert.ok(writeSync(fd, room) > 0);
    await watchdog(once(reader, 'exit'), 'the reader to end');
  } finally {
    closeSync(fd);
  }
});

test('hasHungUp() tells that a peer has ended its side, whatever is still to be read', () => {
  const [near, far] = socketPair('stream');
  assert.equal(hasHungUp(near), false);
  writeSync(far, 'to be read');
  assert.equal(hasHungUp(near), false);
  endSending(far);
  assert.equal(hasHungUp(near), true);
  assert.equal(hasHungUp(far), false);
  closeDescriptor(near);
  assert.equal(hasHungUp(far), true);
  closeDescriptor(far);
});
