import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { descriptorOf } from '../../src/os/node-socket.ts';
import { peerCredentials, sendDescriptor, socketPair } from '../../src/os/socket.ts';
import { nodePath, peerAddress, unixAddress } from '../../src/os/unix-address.ts';
import { connectUnix } from '../../src/os/unix-connect.ts';
import { Folder } from '../support/folder.ts';
import { takeDescriptor } from '../support/take-descriptor.ts';

test('unixAddress() has room for 107 bytes', () => {
  for (const path of [`/${'x'.repeat(106)}`, `@${'x'.repeat(107)}`, `/${'ü'.repeat(53)}`]) {
    assert.equal(unixAddress(path).length, 110);
  }
  for (const path of [`/${'x'.repeat(107)}`, `@${'x'.repeat(108)}`, `/${'ü'.repeat(54)}`]) {
    assert.throws(() => unixAddress(path), { code: 'ENAMETOOLONG' });
  }
});

test('connectUnix() reaches what Node listens on under its own name; what it sent survives it', async () => {
  using folder = new Folder();
  for (const path of [folder.file('socket'), `@iolite-os-${process.pid}`]) {
    const server = createServer({ pauseOnConnect: true });
    await once(server.listen(nodePath(path)), 'listening');
    const connected = once(server, 'connection');
    const fd = connectUnix(path, `@iolite-os-own-${process.pid}`) as number;
    assert.equal(sendDescriptor(fd, Buffer.from('note'), fd), true);
    assert.throws(() => connectUnix(path, `@iolite-os-own-${process.pid}`), { code: 'EADDRINUSE' });
    closeDescriptor(fd);
    const [socket] = (await connected) as [Socket];
    const accepted = descriptorOf(socket);
    assert.equal(peerAddress(accepted), `@iolite-os-own-${process.pid}`);
    assert.equal(peerCredentials(accepted).pid, process.pid);
    const received = takeDescriptor(accepted);
    assert.ok(typeof received === 'object');
    assert.equal(received.note.toString(), 'note');
    closeDescriptor(received.fd);
    socket.destroy();
    await once(socket, 'close');
    assert.throws(() => descriptorOf(socket), { code: 'ERR_IOLITE_CLOSED' });
    server.close();
    await once(server, 'close');
    assert.throws(() => connectUnix(path), { code: path.startsWith('@') ? 'ECONNREFUSED' : 'ENOENT' });
  }
});

test('peerAddress() of a socket without a name is empty', () => {
  const [here, there] = socketPair('stream');
  assert.equal(peerAddress(here), '');
  closeDescriptor(there);
  closeDescriptor(here);
});
