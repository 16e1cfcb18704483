import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { MessageSocket } from '../../../src/ipc/wire/message-socket.ts';
import { socketPair } from '../../../src/os/socket.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A message socket over one end of a pair, the other as Node's, and what the first was told. */
function pair(): { near: MessageSocket; far: Socket; told: string[]; received: Buffer[] } {
  const [nearFd, farFd] = socketPair('stream');
  const told: string[] = [];
  const received: Buffer[] = [];
  const near = new MessageSocket(nearFd, {
    received: bytes => received.push(Buffer.from(bytes)),
    drained: () => told.push('drained'),
    failed: cause => told.push((cause as NodeJS.ErrnoException).code ?? 'failed'),
    ended: () => told.push('ended'),
  });
  return { near, far: new Socket({ fd: farFd, readable: true, writable: true }), told, received };
}

/** The next `length` bytes that come. */
async function take(socket: Socket, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let count = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    pieces.push(piece);
    count += piece.length;
    if (count >= length) break;
  }
  return Buffer.concat(pieces);
}

test('MessageSocket delivers all bytes in order to a reader that is slow', async () => {
  const { near, far, told } = pair();
  const sent: Buffer[] = [];
  let goesOn = true;
  for (let i = 0; goesOn; i++) {
    const piece = Buffer.alloc(1 + ((i * 7919) % 50_000), i);
    sent.push(piece);
    goesOn = near.write(piece);
  }
  assert.equal(near.full, true);
  // What comes behind waits in line, and does not overtake.
  const last = Buffer.from('the last');
  near.write(last);
  const expected = Buffer.concat([...sent, last]);
  const got = await watchdog(take(far, expected.length), 'the bytes');
  assert.ok(got.equals(expected));
  assert.deepEqual(told, ['drained']);
  assert.equal(near.full, false);
  near.destroy();
  far.destroy();
});

test('MessageSocket hands over what comes, and tells of the end', async () => {
  const { near, far, told, received } = pair();
  far.end('farewell');
  await watchdog(once(far, 'finish'), 'the end');
  far.resume();
  near.write(Buffer.from('and good-bye'));
  near.end();
  await watchdog(once(far, 'close'), 'the close');
  assert.equal(Buffer.concat(received).toString(), 'farewell');
  assert.ok(told.includes('ended'));
  near.destroy();
});

test('MessageSocket tells of a peer that is gone', async () => {
  const { near, far, told } = pair();
  far.destroy();
  await watchdog(once(far, 'close'), 'the close');
  near.write(Buffer.from('nobody hears this'));
  while (!told.includes('EPIPE') && !told.includes('ended')) await new Promise(setImmediate);
  near.destroy();
  // Its descriptor may be another one's by now: nothing is written there.
  near.write(Buffer.from('nor this'));
});
