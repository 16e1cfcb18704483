import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { descriptorOf } from '../../src/os/node-socket.ts';
import { sendFromFile } from '../../src/os/sendfile.ts';
import { Folder } from '../support/folder.ts';
import { received, someBytes, tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** More than the sockets at both ends take up. */
const content = someBytes(32 * 1024 ** 2);

/** A descriptor of a file with the content. */
function file(context: TestContext): number {
  const folder = new Folder();
  writeFileSync(folder.file('file'), content);
  const fd = openSync(folder.file('file'), 'r');
  context.after(() => {
    closeSync(fd);
    folder[Symbol.dispose]();
  });
  return fd;
}

test('sendFromFile() sends as far as the socket takes it, and goes on where it stopped', async context => {
  const [ours, theirs] = await tcpPair(context);
  const fd = file(context);
  const [start, end] = [1000, content.length - 1000];
  theirs.pause();
  let arriving: Promise<Buffer> | undefined;
  for (let offset = start; offset < end; ) {
    const sent = sendFromFile(descriptorOf(ours), fd, offset, end - offset);
    if (sent === undefined) {
      arriving ??= received(theirs);
      await setImmediate();
    } else {
      assert.ok(sent > 0 && sent <= end - offset);
      offset += sent;
    }
  }
  assert.ok(arriving !== undefined, 'it was full for a while');
  assert.equal(sendFromFile(descriptorOf(ours), fd, content.length, 1000), 0);
  ours.end();
  assert.ok((await watchdog(arriving, 'all of it')).equals(content.subarray(start, end)));
});

test('sendFromFile() fails when the other side has reset the connection', async context => {
  const [ours, theirs] = await tcpPair(context);
  const fd = file(context);
  const socket = descriptorOf(ours);
  theirs.resetAndDestroy();
  const failed = async (): Promise<NodeJS.ErrnoException> => {
    for (;;) {
      try {
        sendFromFile(socket, fd, 0, 1000);
      } catch (error) {
        return error as NodeJS.ErrnoException;
      }
      await setImmediate();
    }
  };
  const { code, syscall } = await watchdog(failed(), 'the failure');
  assert.ok(code === 'EPIPE' || code === 'ECONNRESET', code);
  assert.equal(syscall, 'sendfile');
});
