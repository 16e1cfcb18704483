import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fstatSync, openSync, readdirSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { libc } from '../../src/os/libc.ts';
import { createMemfd } from '../../src/os/memfd.ts';
import {
  admitDescriptors,
  closeWithDescriptors,
  peekDescriptor,
  peerCredentials,
  refuseDescriptors,
  sendDescriptor,
  skipDescriptor,
  socketPair,
} from '../../src/os/socket.ts';
import { NoDescriptors } from '../support/no-descriptors.ts';
import { Program } from '../support/program.ts';
import { isRoot, NOBODY, PublicProgram } from '../support/public-program.ts';
import { takeDescriptor } from '../support/take-descriptor.ts';
import { watchdog } from '../support/watchdog.ts';

const SO_PASSCRED = 0x10;
const SO_TIMESTAMP = 0x1d;
const SO_PASSSEC = 0x22;
const SO_PASSPIDFD = 0x4c;

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
  const fd = createMemfd('test', 4096);
  assert.equal(sendDescriptor(here, Buffer.from('a note too long'), fd), true);
  closeDescriptor(fd);
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

test('what a peer sent before it closed is found, although it had not read everything', () => {
  for (const kind of ['seqpacket', 'stream'] as const) {
    const [here, there] = socketPair(kind);
    for (const end of [here, there]) admitDescriptors(end);
    sendDescriptor(here, Buffer.from('note'), here);
    sendDescriptor(there, Buffer.from('last'), there);
    closeDescriptor(here);
    const found = takeDescriptor(there);
    assert.ok(typeof found === 'object');
    assert.equal(found.note.toString(), 'note');
    closeDescriptor(found.fd);
    assert.equal(peekDescriptor(there), 'ended');
    closeDescriptor(there);
  }
});

test('what was looked at is taken out also when its sender closes in that moment', () => {
  for (const kind of ['seqpacket', 'stream'] as const) {
    const [here, there] = socketPair(kind);
    for (const end of [here, there]) admitDescriptors(end);
    // Not one of the sockets, which would stay open on its way.
    const passed = openSync('/dev/null', 'r');
    for (const note of ['one ', 'two ']) sendDescriptor(here, Buffer.from(note), passed);
    closeDescriptor(passed);
    // It leaves something unread, which is told once, ahead of what it had sent.
    sendDescriptor(there, Buffer.from('last'), there);
    for (const note of ['one ', 'two ']) {
      const found = peekDescriptor(there);
      assert.ok(typeof found === 'object');
      assert.equal(found.note.toString(), note);
      closeDescriptor(found.fd);
      if (note === 'one ') closeDescriptor(here);
      skipDescriptor(there);
    }
    assert.equal(peekDescriptor(there), 'ended');
    closeDescriptor(there);
  }
});

test('peekDescriptor() closes what an option of the socket adds', test => {
  const [here, there] = socketPair('seqpacket');
  const yes = new Uint8Array(Int32Array.of(1).buffer);
  const refused = [SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_PASSPIDFD].filter(
    option => libc().setsockopt(there, 1, option, yes, yes.length) === -1,
  );
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 10; i++) {
    sendDescriptor(here, Buffer.from('note'), here);
    const found = takeDescriptor(there);
    assert.ok(typeof found === 'object');
    closeDescriptor(found.fd);
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
  for (const end of [here, there]) closeDescriptor(end);
  if (refused.includes(SO_PASSPIDFD)) test.skip('the kernel passes no descriptors of processes');
});

test('peekDescriptor() finds what there was no descriptor left for, once there is one', () => {
  const [here, there] = socketPair('seqpacket');
  sendDescriptor(here, Buffer.from('note'), here);
  const full = new NoDescriptors();
  const found = peekDescriptor(there);
  full[Symbol.dispose]();
  assert.equal(found, 'exhausted');
  const later = takeDescriptor(there);
  assert.ok(typeof later === 'object');
  for (const fd of [later.fd, here, there]) closeDescriptor(fd);
});

test('refuseDescriptors() keeps descriptors out where the kernel can', test => {
  const [here, there] = socketPair('seqpacket');
  if (refuseDescriptors(there)) {
    assert.throws(() => sendDescriptor(here, Buffer.from('note'), here), { code: 'EPERM' });
    admitDescriptors(there);
  } else test.skip('Linux 6.16 is needed');
  assert.equal(sendDescriptor(here, Buffer.from('note'), here), true);
  for (const end of [here, there]) closeDescriptor(end);
});

test('closeWithDescriptors() closes a socket with all that is in it', async () => {
  const before = readdirSync('/proc/self/fd').length;
  for (const count of [0, 3]) {
    const [here, there] = socketPair('seqpacket');
    const [far, passed] = socketPair('stream');
    for (let i = 0; i < count; i++) sendDescriptor(here, Buffer.from('note'), passed);
    closeDescriptor(passed);
    closeWithDescriptors(there);
    // The passed socket is gone with it: so its other end ends.
    const other = new Socket({ fd: far });
    await watchdog(once(other.resume(), 'close'), 'the end of what was passed');
    closeDescriptor(here);
  }
  while (readdirSync('/proc/self/fd').length > before) await setImmediate();
});

test('sendDescriptor() waits while too many descriptors of the user are in flight', {
  skip: isRoot ? false : 'only root can start a process of another user, whom the limit holds for',
}, async () => {
  using program = new PublicProgram(new URL('./children/in-flight.ts', import.meta.url));
  await using child = new Program(program.url, [], { ...NOBODY, execArgv: [], cwd: program.folder });
  assert.equal(await child.line(), 'ready');
  assert.deepEqual(await child.ask(''), { isLimited: true, atLimit: false, later: true });
});
