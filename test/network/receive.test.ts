import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { receive } from '../../src/network/receive.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';
import { someBytes, tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** All that comes, in one aggregate. */
async function gather(socket: Socket, pool: Pool): Promise<Aggregate> {
  const whole = Aggregate.empty();
  for await (const part of receive(socket, { pool })) {
    whole.append(part);
    part.release();
  }
  return whole;
}

for (const [what, options, size] of [
  ['small', {}, 10],
  ['large', {}, 20 * 1024 ** 2],
  ['protected', { kind: 'protect' }, 1024 ** 2],
  ['sealed', { kind: 'seal' }, 1024 ** 2],
  ['heap', { memory: 'heap' }, 1024 ** 2],
] as const) {
  test(`receive() puts what comes into buffers of the pool: ${what}`, async context => {
    const [ours, theirs] = await tcpPair(context);
    const pool = createPool(options);
    const bytes = someBytes(size);
    theirs.end(bytes);
    const ended = once(ours, 'end');
    const whole = await watchdog(gather(ours, pool), 'the bytes');
    assert(whole.equals(bytes));
    // A chunk that the pool made, and no other, holds each slice.
    for (const { lease } of whole.slices()) assert.equal(lease.chunk.memory, pool.chunks.memory);
    await watchdog(ended, 'the end of the socket itself');
    ours.end('thanks');
    assert.equal(String(await watchdog(once(theirs, 'data'), 'an answer')), 'thanks');
    whole.release();
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  });
}

test('receive() begins with what Node has read already', async context => {
  const [ours, theirs] = await tcpPair(context);
  using pool = createPool();
  theirs.write('early ');
  await watchdog(once(ours, 'readable'), 'early bytes');
  const gathering = gather(ours, pool);
  theirs.end('late');
  using whole = await watchdog(gathering, 'the bytes');
  assert.equal(whole.toString(), 'early late');
});

test('receive() reads no further than one part ahead', async context => {
  const [ours, theirs] = await tcpPair(context);
  using pool = createPool();
  const bytes = someBytes(32 * 1024 ** 2);
  theirs.end(bytes);
  const parts = receive(ours, { pool });
  using whole = Aggregate.empty();
  let ahead = 0;
  for await (const part of parts) {
    using taken = part;
    whole.append(taken);
    const before = pool.stats().allocated;
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    ahead = Math.max(ahead, pool.stats().allocated - before);
  }
  assert(whole.equals(bytes));
  assert(ahead <= 2, `${ahead} buffers were filled ahead`);
});

test('receive() passes on a reset, and gives back what it holds', async context => {
  const before = await settledHoldings();
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool();
  ours.on('error', () => undefined);
  theirs.write('some');
  const parts = receive(ours, { pool });
  const { value } = await watchdog(parts.next(), 'a part');
  (value as Aggregate).release();
  theirs.resetAndDestroy();
  await assert.rejects(watchdog(parts.next(), 'failing'), { code: 'ECONNRESET' });
  pool.close();
  await holdingsReturnTo(before);
  assert.equal(pool.stats().chunks, 0);
});

test('receive() fails when the socket is destroyed, and destroys it when the loop is left', async context => {
  const pool = createPool();
  {
    const [ours] = await tcpPair(context);
    const next = receive(ours, { pool }).next();
    ours.destroy();
    await assert.rejects(watchdog(next, 'failing'), { code: 'ERR_IOLITE_PEER' });
  }
  const [ours, theirs] = await tcpPair(context);
  theirs.write('some');
  const closed = once(theirs, 'end');
  theirs.resume();
  for await (const part of receive(ours, { pool })) {
    part.release();
    break;
  }
  await watchdog(closed, 'the end at the other side');
  assert.equal(ours.destroyed, true);
  pool.close();
});

test('receive() fails when the pool is full', async context => {
  const [ours, theirs] = await tcpPair(context);
  const pool = createPool({ limit: 512 * 1024, chunkSize: 256 * 1024 });
  theirs.on('error', () => undefined);
  theirs.end(someBytes(4 * 1024 ** 2));
  await assert.rejects(watchdog(gather(ours, pool), 'failing'), { code: 'ERR_IOLITE_LIMIT' });
  pool.close();
});

test('receive() copies from a stream that is no socket', async () => {
  using pool = createPool();
  const stream = new PassThrough();
  stream.end('bytes');
  using whole = await gather(stream as unknown as Socket, pool);
  assert.equal(whole.toString(), 'bytes');
});

test('receive() refuses what is no socket or no pool', async context => {
  const [ours] = await tcpPair(context);
  using pool = createPool();
  for (const socket of [null, undefined, 'socket', {}] as unknown as Socket[]) {
    assert.throws(() => receive(socket, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const other of [null, undefined, 'pool', {}] as unknown as Pool[]) {
    assert.throws(() => receive(ours, { pool: other }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
});
