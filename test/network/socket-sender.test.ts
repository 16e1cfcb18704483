import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { OwnedChunk } from '../../src/memory/chunk.ts';
import { sendAggregate } from '../../src/network/send.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { received, someBytes, tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** Little enough for the kernel to take it whole, unread; a chunk of its own in the pools below. */
const SIZE = 96 * 1024;
const CHUNK = { chunkSize: 128 * 1024 };

/** Waits until the sockets stop taking bytes: whoever wrote them waits for room. */
async function full(socket: Socket): Promise<void> {
  while (socket.writableLength === 0) await setImmediate();
}

/** Refills what the pool would refill, with other bytes. */
function fillWithOthers(pool: Pool, size: number): Aggregate[] {
  return Array.from({ length: 4 }, () => {
    const draft = pool.allocate(size);
    draft.bytes.fill(0xee);
    return draft.seal();
  });
}

/** A pair of Unix sockets: the kernel hands the very pages from one to the other. */
async function unixPair(context: TestContext): Promise<[Socket, Socket]> {
  const path = `\0iolite-test-${process.pid}-${Math.random()}`;
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect(path);
  const [ours] = (await accepted) as [Socket];
  server.close();
  context.after(() => {
    client.destroy();
    ours.destroy();
  });
  return [ours, client];
}

for (const [what, pair] of [
  ['TCP', tcpPair],
  ['Unix', unixPair],
] as const) {
  for (const mode of ['copy', 'reference', 'auto'] as const) {
    test(`bytes that wait in a ${what} socket do not change when released, mode ${mode}`, async context => {
      const [ours, theirs] = await pair(context);
      theirs.pause();
      const pool = createPool(CHUNK);
      const bytes = someBytes(SIZE);
      const sent: Promise<void>[] = [];
      // As many as the kernel takes: each is released when it is in its queue, and its memory asked for
      // again.
      const others: Aggregate[] = [];
      for (let i = 0; i < 8; i++) {
        const aggregate = pool.from(bytes);
        sent.push(sendAggregate(ours, aggregate, { mode }));
        aggregate.release();
        await setImmediate();
        others.push(...fillWithOthers(pool, SIZE));
      }
      ours.end();
      const arrived = received(theirs);
      for (const each of sent) await watchdog(each, 'sending').catch(() => undefined);
      const got = await watchdog(arrived, 'receiving');
      assert(got.length > 0);
      for (let at = 0; at < got.length; at += SIZE) {
        const part = got.subarray(at, at + SIZE);
        assert(part.equals(bytes.subarray(0, part.length)), `other bytes in what was sent, from ${at}`);
      }
      for (const each of others) each.release();
      pool.close();
      assert.equal(pool.stats().chunks, 0);
    });
  }
}

test('a buffer that was sent by reference is not filled again, one that was copied is', async context => {
  for (const [mode, recycled] of [
    ['reference', 0],
    ['copy', 1],
  ] as const) {
    const [ours, theirs] = await tcpPair(context);
    const arriving = received(theirs);
    const pool = createPool(CHUNK);
    const aggregate = pool.from(someBytes(SIZE));
    await watchdog(sendAggregate(ours, aggregate, { mode }), 'sending');
    aggregate.release();
    pool.from(someBytes(SIZE)).release();
    assert.equal(pool.stats().recycled, recycled, mode);
    ours.end();
    await watchdog(arriving, 'receiving');
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  }
});

test("a slow reader gets its bytes by reference in mode 'auto', a fast one the same bytes", async context => {
  for (const slow of [true, false]) {
    const [ours, theirs] = await tcpPair(context);
    const pool = createPool();
    const bytes = someBytes(16 * 1024 ** 2);
    using aggregate = pool.from(bytes);
    const chunk = aggregate.slices()[0]!.lease.chunk as OwnedChunk;
    if (slow) theirs.pause();
    const arriving = slow ? undefined : received(theirs);
    const sending = sendAggregate(ours, aggregate);
    if (slow) {
      await watchdog(full(ours), 'the socket to fill');
      await new Promise(resolve => setTimeout(resolve, 80)); // The slowness itself.
    }
    const [got] = await watchdog(
      Promise.all([arriving ?? received(theirs), sending.then(() => ours.end())]),
      'all',
    );
    assert(got.equals(bytes));
    if (slow) assert.equal(chunk.spent, true);
  }
});

test('memory of another domain is copied unless the kernel attests that it cannot change', async context => {
  for (const [kind, descriptor] of [
    ['recycle', 'undefined'],
    ['protect', 'undefined'],
    ['seal', 'number'],
  ] as const) {
    const [ours, theirs] = await tcpPair(context);
    using pair = new ChannelPair();
    const pool = createPool({ kind });
    const bytes = someBytes(SIZE);
    const original = pool.from(bytes);
    const sent = pair.near.send({ body: original });
    original.release();
    const iterator = pair.far[Symbol.asyncIterator]();
    const { value } = await watchdog(iterator.next(), 'a message');
    await sent;
    const body = value!.body as Aggregate;
    const arriving = received(theirs);
    await watchdog(sendAggregate(ours, body, { mode: 'reference' }), 'sending');
    ours.end();
    assert((await watchdog(arriving, 'receiving')).equals(bytes));
    const { chunk } = body.slices()[0]!.lease;
    assert.equal(typeof chunk.sendableDescriptor(), descriptor, kind);
    body.release();
    pool.close();
  }
});

test('sendAggregate() goes behind what was written and sent before it', async context => {
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool();
  const arriving = received(theirs);
  const large = pool.from(Buffer.alloc(8 * 1024 ** 2, 'b'));
  const small = pool.from('c');
  ours.write(Buffer.alloc(4 * 1024 ** 2, 'a'));
  const first = sendAggregate(ours, large);
  const second = sendAggregate(ours, small, { mode: 'reference' });
  large.release();
  small.release();
  await watchdog(Promise.all([first, second]), 'sending');
  ours.end('d');
  const text = (await watchdog(arriving, 'receiving')).toString('latin1');
  assert(text === `${'a'.repeat(4 * 1024 ** 2)}${'b'.repeat(8 * 1024 ** 2)}cd`);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

for (const mode of ['auto', 'copy', 'reference'] as const) {
  test(`a peer that has ended its side still gets all, mode ${mode}`, async context => {
    const [ours, theirs] = await tcpPair(context);
    const pool = createPool();
    const bytes = someBytes(8 * 1024 ** 2);
    using aggregate = pool.from(bytes);
    const halfClosed = once(ours, 'end');
    ours.resume();
    theirs.end();
    await watchdog(halfClosed, 'the end of the other side');
    const sending = sendAggregate(ours, aggregate, { mode });
    const [got] = await watchdog(Promise.all([received(theirs), sending.then(() => ours.end())]), 'all');
    assert(got.equals(bytes));
  });

  test(`a reset midway fails the sending and frees the memory, mode ${mode}`, async context => {
    const [ours, theirs] = await tcpPair(context);
    const pool = createPool();
    const aggregate = pool.from(someBytes(16 * 1024 ** 2));
    theirs.pause();
    // Unlike once(): an error is not the end of the waiting.
    const closed = new Promise(resolve => ours.once('close', resolve));
    const sending = sendAggregate(ours, aggregate, { mode });
    aggregate.release();
    await watchdog(full(ours), 'the socket to fill');
    theirs.resetAndDestroy();
    await assert.rejects(watchdog(sending, 'failing'));
    await watchdog(closed, 'closing');
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  });

  test(`a time-out of the socket ends sending to a peer that reads nothing, mode ${mode}`, async context => {
    const [ours, theirs] = await tcpPair(context);
    const pool = createPool();
    const aggregate = pool.from(someBytes(16 * 1024 ** 2));
    theirs.pause();
    ours.setTimeout(20, () => ours.destroy());
    await assert.rejects(watchdog(sendAggregate(ours, aggregate, { mode }), 'failing'), {
      code: 'ERR_IOLITE_PEER',
    });
    aggregate.release();
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  });
}

test('sendAggregate() fails when the stream is ended under it', async context => {
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool();
  using aggregate = pool.from(someBytes(16 * 1024 ** 2));
  theirs.pause();
  ours.on('error', () => undefined);
  const sending = sendAggregate(ours, aggregate);
  await watchdog(full(ours), 'the socket to fill');
  ours.end();
  theirs.resume();
  await assert.rejects(watchdog(sending, 'failing'));
});
