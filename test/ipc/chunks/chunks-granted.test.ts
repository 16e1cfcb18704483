import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import type { ChannelOptions } from '../../../src/ipc/channel-options.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { collectGarbage } from '../../support/garbage.ts';
import { holdings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A pair whose far end answers with the text of what it is sent. */
function pairOf(options: ChannelOptions = {}): ChannelPair {
  const pair = new ChannelPair({}, options);
  pair.far.onRequest(({ body }) => {
    using taken = body;
    return { head: taken?.toString() ?? '' };
  });
  return pair;
}

async function textOf(channel: Channel, body: Parameters<Channel['request']>[0]['body']): Promise<unknown> {
  return (await watchdog(channel.request(body === undefined ? {} : { body }), 'an answer')).head;
}

test('a chunk is mapped once at the other end, whatever number of its buffers is sent', async () => {
  using pair = pairOf();
  using pool = createPool({ name: 'granted', chunkSize: 64 * 1024 });
  await textOf(pair.near, undefined);
  const before = holdings();
  for (let i = 0; i < 20; i++) {
    using body = pool.from(`buffer ${i}`);
    assert.equal(await textOf(pair.near, body), `buffer ${i}`);
  }
  assert.equal(pool.stats().chunks, 1);
  // Ours, and theirs, which lies in this process too.
  assert.ok(holdings().mappings - before.mappings <= 2);
});

test('the oldest grants make room for others within the quotas of the other end', async () => {
  using pair = pairOf({ maxChunks: 2 });
  using pool = createPool({ name: 'granted', kind: 'seal' });
  const bodies = Array.from({ length: 6 }, (_, i) => pool.from(`sealed ${i}`));
  for (let round = 0; round < 2; round++) {
    for (const [i, body] of bodies.entries()) assert.equal(await textOf(pair.near, body), `sealed ${i}`);
  }
  const [first, second, third] = bodies;
  using three = first!.duplicate();
  three.append(second!);
  three.append(third!);
  await assert.rejects(textOf(pair.near, three), { code: 'ERR_IOLITE_LIMIT' });
  assert.equal(await textOf(pair.near, first), 'sealed 0');
  for (const body of bodies) body.release();
});

test('memory of this process alone is not granted', async () => {
  using pair = pairOf();
  using pool = createPool({ memory: 'heap' });
  using body = pool.from('on the heap');
  await assert.rejects(textOf(pair.near, body), {
    code: 'ERR_IOLITE_UNSUPPORTED',
    message: /lies on the heap of this process/,
  });
});

test('a chunk that the other end has taken back is left to the garbage collector', async () => {
  using pair = new ChannelPair();
  using pool = createPool({ name: 'granted', kind: 'seal' });
  pair.far.onRequest(({ body }) => {
    using taken = body;
    return { head: taken?.length ?? 0 };
  });
  const external = (): number => process.memoryUsage().external;
  const before = external();
  const [sent, bytes] = [64, 1024 ** 2];
  for (let i = 0; i < sent; i++) {
    using body = pool.from(Buffer.alloc(bytes, i));
    assert.equal((await watchdog(pair.near.request({ body }), 'an answer')).head, bytes);
  }
  pool.trim();
  await collectGarbage(() => external() < before + (sent / 4) * bytes);
});
