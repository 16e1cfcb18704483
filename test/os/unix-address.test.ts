import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { descriptorOf } from '../../src/os/node-socket.ts';
import { nodePath, peerAddress, unixAddress, unixPathOf } from '../../src/os/unix-address.ts';
import { Folder } from '../support/folder.ts';

test('an address is the family, then the path, or NUL and an abstract name, filled up with NULs', () => {
  const path = unixAddress('/run/a');
  assert.equal(path.length, 110);
  assert.equal(path.readUInt16LE(0), 1);
  assert.equal(path.toString('latin1', 2), `/run/a${'\0'.repeat(102)}`);
  assert.equal(unixAddress('@name').toString('latin1', 2), `\0name${'\0'.repeat(103)}`);
  assert.equal(nodePath('/run/a'), '/run/a');
  assert.equal(nodePath('@name'), `\0name${'\0'.repeat(103)}`);
});

test('a path has room for its NUL, a name needs none', () => {
  unixAddress(`/${'x'.repeat(106)}`);
  assert.throws(() => unixAddress(`/${'x'.repeat(107)}`), { code: 'ENAMETOOLONG' });
  unixAddress(`@${'x'.repeat(107)}`);
  assert.throws(() => unixAddress(`@${'x'.repeat(108)}`), { code: 'ENAMETOOLONG' });
  // Bytes count, not characters.
  assert.throws(() => unixAddress(`/${'é'.repeat(60)}`), { code: 'ENAMETOOLONG' });
});

test('peerAddress() tells where the other end is bound', async () => {
  using folder = new Folder();
  for (const path of [folder.file('socket'), `@iolite-address-${process.pid}`]) {
    const server = createServer();
    server.listen(nodePath(path));
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = connect(nodePath(path));
    const [theirs] = (await accepted) as [Socket];
    if (client.connecting) await once(client, 'connect');
    assert.equal(peerAddress(descriptorOf(client)), path);
    assert.equal(peerAddress(descriptorOf(theirs)), '');
    client.destroy();
    theirs.destroy();
    server.close();
  }
  assert.throws(() => peerAddress(-1), { code: 'EBADF', syscall: 'getpeername' });
});

test('an address that begins with unix: has a path or a name', () => {
  assert.equal(unixPathOf('unix:/run/a.sock'), '/run/a.sock');
  assert.equal(unixPathOf('unix:@a'), '@a');
  for (const none of ['unix:', 'unix:@', '/run/a.sock', '127.0.0.1:80', 'unix:a\0b'])
    assert.equal(unixPathOf(none), undefined, none);
});
