import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { Message } from '../../src/ipc/message.ts';
import type { Lease } from '../../src/memory/lease.ts';
import { statsOf } from '../../src/memory/pool-stats.ts';
import { ChannelPair } from '../support/channel-pair.ts';

const MiB = 1024 ** 2;

test('few bytes that keep large buffers are seen, and copied out', () => {
  using pool = createPool();
  const parts: Aggregate[] = [];
  for (let i = 0; i < 50; i++) {
    using large = pool.from(Buffer.alloc(MiB, i));
    parts.push(large.slice(1000, 1010));
  }
  const before = pool.stats();
  assert.equal(before.bytesUsed, 500);
  assert(before.bytesHeld > 50 * MiB && before.bytesHeld === before.bytesLive);
  for (const part of parts) part.compact();
  const after = pool.stats();
  assert.equal(after.bytesUsed, 500);
  assert(after.bytesHeld <= MiB + 4096, `${after.bytesHeld} bytes`);
  for (const [i, part] of parts.entries()) {
    assert(part.equals(Buffer.alloc(10, i)));
    const [{ id } = assert.fail()] = part.slices();
    assert.deepEqual(part.compact().slices()[0]?.id, id, 'once is enough');
    part.release();
  }
  assert.deepEqual([pool.stats().bytesUsed, pool.stats().bytesHeld], [0, 0]);
  assert(pool.stats().bytesLive > 0, 'what small buffers are placed in waits for the next');
});

test('compact() leaves a slice where others use what it keeps, and where more is to come', () => {
  using pool = createPool();
  using large = pool.from(Buffer.alloc(MiB, 'a'));
  using part = large.slice(5, 10);
  const [{ id } = assert.fail()] = part.slices();
  assert.deepEqual(part.compact().slices()[0]?.id, id);
  using small = pool.from('small');
  const [{ id: placed } = assert.fail()] = small.slices();
  assert.deepEqual(small.compact().slices()[0]?.id, placed);
  large.truncate(20);
  assert.notDeepEqual(part.compact().slices()[0]?.id, id);
  assert.equal(part.toString(), 'aaaaa');
});

test('a draft is used until it is sealed or given back', () => {
  using pool = createPool();
  const draft = pool.allocate(1000);
  assert.equal(pool.stats().bytesUsed, 1000);
  using sealed = draft.seal(10);
  assert.equal(sealed.length, 10);
  assert.equal(pool.stats().bytesUsed, 10);
  pool.allocate(MiB).discard();
  assert.equal(pool.stats().bytesUsed, 10);
});

test('what another domain leases is held, and not used here', async () => {
  using pair = new ChannelPair();
  const messages = pair.far[Symbol.asyncIterator]();
  using pool = createPool();
  using body = pool.from(Buffer.alloc(MiB, 'b'));
  await pair.near.send({ body });
  const { value: message } = await messages.next();
  using received = (message as Message).body ?? assert.fail();
  body.truncate(0);
  // The sender lets go when it is told that the receiver has leased it.
  pair.far.onRequest(async () => ({}));
  await pair.near.request({ head: 1 });
  const { bytesUsed, bytesHeld } = pool.stats();
  assert.equal(received.length, MiB);
  assert(bytesHeld >= MiB, `${bytesHeld} bytes are held`);
  assert.equal(bytesUsed, 0);
});

test('whatever is done with slices, what is used adds up, and to nothing in the end', () => {
  const random = new SeededRandom(11);
  const below = (most: number): number => Math.floor(random.uniform() * most);
  using pool = createPool({ chunkSize: 64 * 1024 });
  const all = [pool.from(Buffer.alloc(100_000, 'x')), pool.from('y'.repeat(3000))];
  const leases = new Set<Lease>();
  const pick = (): Aggregate => all[below(all.length)] as Aggregate;
  for (let i = 0; i < 3000; i++) {
    const one = pick();
    if (one.length > 100_000) one.truncate(50_000);
    const at = below(one.length + 1);
    switch (below(9)) {
      case 0:
        one.append(pick());
        break;
      case 1:
        all.push(one.slice(at, at + below(500)));
        break;
      case 2:
        all.push(one.split(at));
        break;
      case 3:
        one.trimStart(Math.min(at, 100));
        break;
      case 4:
        one.splice(at, Math.min(below(30), one.length - at), 'new', pick()).release();
        break;
      case 5:
        all.push(one.duplicate());
        break;
      case 6:
        one.prepend('front').compact();
        break;
      case 7:
        if (one.length > 0) one.write(Math.max(0, at - 1), 'z').gather();
        break;
      default:
        one.truncate(Math.min(one.length, 50_000));
    }
    while (all.length > 30) (all.splice(below(all.length), 1)[0] as Aggregate).release();
    for (const { lease } of all.at(-1)?.slices() ?? []) leases.add(lease);
  }
  for (const each of all) each.release();
  for (const { tally } of leases) assert.equal(tally.bytes, 0);
  assert.deepEqual([pool.stats().bytesUsed, pool.stats().bytesHeld], [0, 0]);
});

test('an empty pool uses nothing', () => {
  const nothing = { chunks: new Set<never>(), idle: new Set<never>(), current: undefined, position: 0 };
  const counters = { recycled: 1, allocated: 2, leaked: 3 };
  const stats = statsOf({ ...nothing, bytesMapped: 0, bytesIdle: 0 }, counters, new Map());
  assert.deepEqual([stats.bytesUsed, stats.bytesHeld, stats.leaked], [0, 0, 3]);
});
