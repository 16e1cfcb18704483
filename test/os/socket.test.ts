import assert from 'node:assert/strict';
import { fstatSync, openSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { createMemfd } from '../../src/os/memfd.ts';
import {
  peekDescriptor,
  peerCredentials,
  sendDescriptor,
  skipDescriptor,
  socketPair,
} from '../../src/os/socket.ts';
import { takeDescriptor } from '../support/take-descriptor.ts';

test('sendDescriptor() passes a descriptor of the same file with its note', () => {
  const [here, there] = socketPair('seqpacket');
  const fd = createMemfd('test', 8192);
  try {
    assert.equal(sendDescriptor(here, Buffer.from('note'), fd), true);
    const received = takeDescriptor(there);
    assert.ok(typeof received === 'object');
    assert.equal(received.note.toString(), 'note');
    assert.notEqual(received.fd, fd);
    assert.equal(fstatSync(received.fd).ino, fstatSync(fd).ino);
    closeDescriptor(received.fd);
  } finally {
    for (const each of [here, there, fd]) closeDescriptor(each);
  }
});

test('peekDescriptor() tells nothing there, malformed and ended apart', () => {
  const [here, there] = socketPair('seqpacket');
  assert.equal(peekDescriptor(there), undefined);
  writeSync(here, 'note');
  assert.equal(peekDescriptor(there), 'malformed');
  skipDescriptor(there);
  assert.equal(sendDescriptor(here, Buffer.from('a note too long'), here), true);
  assert.equal(peekDescriptor(there), 'malformed');
  skipDescriptor(there);
  closeDescriptor(here);
  assert.equal(peekDescriptor(there), 'ended');
  closeDescriptor(there);
});

test('sendDescriptor() says when the socket is full, and goes on after a read', () => {
  const [here, there] = socketPair('seqpacket');
  const fd = openSync('/dev/null', 'r');
  const note = Buffer.alloc(4);
  try {
    let sent = 0;
    while (sendDescriptor(here, note, fd)) sent += 1;
    assert.ok(sent > 16, `${sent} descriptors fit`);
    for (let i = 0; i < sent; i++) {
      const received = takeDescriptor(there);
      assert.ok(typeof received === 'object');
      closeDescriptor(received.fd);
    }
    assert.equal(sendDescriptor(here, note, fd), true);
  } finally {
    for (const each of [here, there, fd]) closeDescriptor(each);
  }
});

test('sendDescriptor() throws when the peer is gone', () => {
  const [here, there] = socketPair('seqpacket');
  closeDescriptor(there);
  assert.throws(() => sendDescriptor(here, Buffer.alloc(1), 0), { code: 'EPIPE', syscall: 'sendmsg' });
  closeDescriptor(here);
});

test('peerCredentials() names the process that made the pair', () => {
  const [here, there] = socketPair('stream');
  const wanted = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
  assert.deepEqual(peerCredentials(here), wanted);
  for (const each of [here, there]) closeDescriptor(each);
});
