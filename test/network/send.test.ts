import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { sendAggregate } from '../../src/network/send.ts';
import { sliced } from '../support/slicing.ts';
import { received, someBytes, tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** Releases the aggregate and closes the pool: nothing may hold memory then. */
function assertNothingHeld(pool: Pool, aggregate: Aggregate): void {
  aggregate.release();
  pool.close();
  assert.equal(pool.stats().chunks, 0);
}

/** Unlike once(): an error is not the end of the waiting. */
function closeOf(stream: Writable): Promise<void> {
  return new Promise(resolve => stream.once('close', () => resolve()));
}

for (const mode of ['auto', 'copy', 'reference'] as const) {
  for (const [what, size, lengths] of [
    ['no bytes', 0, [1]],
    ['very many slices of one byte', 20_000, [1]],
    ['slices of all sizes', 3_000_000, [1, 100, 1_500_000, 7, 600_000, 65_536]],
    ['one large slice', 16 * 1024 ** 2, [1 << 30]],
  ] as const) {
    test(`sendAggregate() sends ${what}, mode ${mode}`, async context => {
      const [ours, theirs] = await tcpPair(context);
      const pool = createPool();
      const bytes = someBytes(size);
      const aggregate = sliced(pool, bytes, lengths);
      const arriving = received(theirs);
      await watchdog(sendAggregate(ours, aggregate, { mode }), 'sending');
      ours.end();
      assert((await watchdog(arriving, 'receiving')).equals(bytes));
      assert.deepEqual([ours.listenerCount('error'), ours.listenerCount('close')], [0, 0]);
      assertNothingHeld(pool, aggregate);
    });
  }
}

test('sendAggregate() keeps the memory until it is sent; what waits is bounded', async context => {
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool();
  const bytes = someBytes(48 * 1024 ** 2);
  const aggregate = pool.from(bytes);
  const sending = sendAggregate(ours, aggregate);
  aggregate.release();
  let most = 0;
  const pieces: Buffer[] = [];
  for await (const piece of theirs) {
    pieces.push(piece);
    most = Math.max(most, ours.writableLength);
    if (pieces.length % 16 === 0) await new Promise(resolve => setImmediate(resolve));
    if (pieces.reduce((sum, { length }) => sum + length, 0) === bytes.length) break;
  }
  await watchdog(sending, 'sending');
  assert(Buffer.concat(pieces).equals(bytes));
  assert(most <= 2 * 1024 ** 2, `${most} bytes waited in the socket`);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('sendAggregate() fails once and holds nothing when the peer resets midway', async context => {
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool();
  const aggregate = pool.from(someBytes(32 * 1024 ** 2));
  const sending = sendAggregate(ours, aggregate);
  const closed = closeOf(ours);
  theirs.once('readable', () => theirs.resetAndDestroy());
  await assert.rejects(watchdog(sending, 'failing'), (error: NodeJS.ErrnoException) =>
    ['ECONNRESET', 'EPIPE', 'ERR_IOLITE_PEER'].includes(error.code ?? ''),
  );
  await watchdog(closed, 'closing');
  assertNothingHeld(pool, aggregate);
});

test('sendAggregate() fails when its stream is destroyed, before or midway', async context => {
  const [ours] = await tcpPair(context);
  const pool = createPool();
  const aggregate = pool.from(someBytes(32 * 1024 ** 2));
  const sending = sendAggregate(ours, aggregate);
  const closed = closeOf(ours);
  ours.destroy();
  await assert.rejects(watchdog(sending, 'failing'));
  await assert.rejects(sendAggregate(ours, aggregate), { code: 'ERR_IOLITE_PEER' });
  await watchdog(closed, 'closing');
  await assert.rejects(sendAggregate(ours, aggregate), { code: 'ERR_IOLITE_PEER' });
  assertNothingHeld(pool, aggregate);
});

test('sendAggregate() passes on what a stream fails with', async () => {
  const pool = createPool({ memory: 'heap' });
  const aggregate = sliced(pool, Buffer.from('abcdef'), [1]);
  let written = 0;
  const stream = new Writable({
    write: (_chunk, _encoding, done) => {
      written += 1;
      done(written === 3 ? Object.assign(new Error('full'), { code: 'ENOSPC' }) : null);
    },
  });
  const closed = closeOf(stream);
  await assert.rejects(sendAggregate(stream, aggregate), { code: 'ENOSPC' });
  await watchdog(closed, 'closing');
  assertNothingHeld(pool, aggregate);
});

test('sendAggregate() refuses what is no stream or no aggregate', async context => {
  const [ours] = await tcpPair(context);
  const pool = createPool({ memory: 'heap' });
  using aggregate = pool.from('x');
  for (const stream of [null, undefined, {}, 'socket'] as unknown as Socket[]) {
    await assert.rejects(sendAggregate(stream, aggregate), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const body of [null, 'x', Buffer.from('x')] as unknown as Aggregate[]) {
    await assert.rejects(sendAggregate(ours, body), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const mode of [null, 'copied', 1] as unknown as 'auto'[]) {
    await assert.rejects(sendAggregate(ours, aggregate, { mode }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  const released = pool.from('x');
  released.release();
  await assert.rejects(sendAggregate(ours, released), { code: 'ERR_IOLITE_RELEASED' });
});

for (const kind of ['a socket', 'another stream'] as const) {
  test(`sendAggregate() sends a head before it, and counts without that: ${kind}`, async context => {
    const [ours, theirs] = await tcpPair(context);
    const stream = kind === 'a socket' ? ours : new PassThrough();
    const arriving = received(kind === 'a socket' ? theirs : (stream as unknown as Socket));
    const pool = createPool();
    const bytes = someBytes(300_000);
    const expected: Buffer[] = [];
    const taken: number[] = [];
    for (const mode of ['auto', 'copy', 'reference'] as const) {
      for (const size of [0, 1, 300_000]) {
        const head = Buffer.from(`${mode} ${size}\n`);
        const body = sliced(pool, bytes.subarray(0, size), [1000, 200_000]);
        expected.push(head, bytes.subarray(0, size));
        // They follow one another without being waited for.
        void sendAggregate(stream, body, { mode, head, taken: count => taken.push(count) });
        body.release();
      }
    }
    using last = pool.from('last');
    expected.push(Buffer.from('last'));
    await watchdog(sendAggregate(stream, last), 'sending');
    stream.end();
    assert((await watchdog(arriving, 'receiving')).equals(Buffer.concat(expected)));
    assert.deepEqual(taken, [0, 1, 300_000, 0, 1, 300_000, 0, 1, 300_000]);
    const head = 'text' as unknown as Buffer;
    await assert.rejects(sendAggregate(stream, last, { head }), { code: 'ERR_IOLITE_ARGUMENT' });
  });
}
