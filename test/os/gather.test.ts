import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { boundUnsent, MemoryRuns, sendGathered } from '../../src/os/gather.ts';
import { mapPrivate } from '../../src/os/mapping/mapping.ts';
import { receiveNow, socketPair } from '../../src/os/socket.ts';

/** What is there to read. */
function drain(fd: number): Buffer {
  const room = Buffer.alloc(65_536);
  const got: Buffer[] = [];
  for (let count = receiveNow(fd, room); count > 0; count = receiveNow(fd, room)) {
    got.push(Buffer.from(room.subarray(0, count)));
  }
  return Buffer.concat(got);
}

test('sendGathered() sends pieces in order, from a place in one of them, up to a limit', () => {
  const [ours, theirs] = socketPair('stream');
  const pieces = ['ab', 'cdef', 'g', 'hi'].map(text => Buffer.from(text));
  assert.equal(sendGathered(ours, pieces), 9);
  assert.equal(drain(theirs).toString(), 'abcdefghi');
  assert.equal(sendGathered(ours, pieces, 1, 3), 4);
  assert.equal(drain(theirs).toString(), 'fghi');
  assert.equal(sendGathered(ours, pieces, 0, 1, 4), 4);
  assert.equal(drain(theirs).toString(), 'bcde');
  closeDescriptor(ours);
  closeDescriptor(theirs);
});

test('sendGathered() takes what fits, of however many pieces, and nothing when full or broken', () => {
  const [ours, theirs] = socketPair('stream');
  const pieces = Array.from({ length: 100 }, (_, i) => Buffer.alloc(30_000, i));
  const whole = Buffer.concat(pieces);
  let sent = 0;
  const received: Buffer[] = [];
  while (sent < whole.length) {
    const count = sendGathered(ours, pieces, Math.floor(sent / 30_000), sent % 30_000);
    sent += count;
    if (count === 0) received.push(drain(theirs));
  }
  received.push(drain(theirs));
  assert(Buffer.concat(received).equals(whole));
  closeDescriptor(theirs);
  assert.equal(sendGathered(ours, pieces), 0);
  boundUnsent(ours, 1000); // Of no effect on a Unix socket, and no error.
  closeDescriptor(ours);
});

test('receiveNow() waits for nothing', () => {
  const [ours, theirs] = socketPair('stream');
  assert.equal(receiveNow(theirs, Buffer.alloc(10)), 0);
  closeDescriptor(ours);
  assert.equal(receiveNow(theirs, Buffer.alloc(10)), 0);
  closeDescriptor(theirs);
});

test('MemoryRuns sends memory by its addresses, in order, and copies it', () => {
  const [ours, theirs] = socketPair('stream');
  const { address, bytes } = mapPrivate(2 * 1024 ** 2);
  bytes.write('head');
  bytes.write('lines', 5000);
  bytes.write('body', 9000);
  const runs = new MemoryRuns(3);
  for (const [text, ...wanted] of [
    ['headlinesbody', [0, 4], [5000, 5], [9000, 4]],
    ['ea', [1, 2], [5000, 0], [0, 0]],
    ['bodyhead', [9000, 4], [0, 4], [0, 0]],
  ] as const) {
    for (const [index, [at, length]] of wanted.entries()) runs.set(index, address + at, length);
    assert.equal(runs.size, text.length);
    assert.equal(runs.send(ours), text.length);
    assert.equal(drain(theirs).toString(), text);
    assert.equal(runs.copy().toString(), text);
  }
  runs.set(0, address, bytes.length);
  const sent = runs.send(ours);
  assert.ok(sent > 0 && sent < bytes.length, 'it takes what fits');
  assert.equal(runs.send(ours), 0);
  drain(theirs);
  closeDescriptor(theirs);
  assert.equal(runs.send(ours), 0);
  closeDescriptor(ours);
});
