import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import type { Forked } from '../../src/ipc/meet/fork.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { ended, Family } from '../support/family.ts';
import { holdings, holdingsReturnTo } from '../support/holdings.ts';
import { watchdog } from '../support/watchdog.ts';

const AGENT = new URL('./children/agent.ts', import.meta.url);
const MiB = 1024 ** 2;
/** A megabyte and the header. */
const CHUNK = MiB + 4096;

let names = 0;
const name = (): string => `@iolite-topology-${process.pid}-${names++}`;
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

const order = (channel: Channel, ask: string, more: object = {}, body?: Aggregate) =>
  watchdog(
    channel.request({ head: { ask, ...more }, ...(body === undefined ? {} : { body }) }),
    `the answer to '${ask}'`,
  );

/** Each agent connects to the next, whose path is returned. */
async function chain(agents: readonly Forked[]): Promise<string[]> {
  const paths: string[] = [];
  for (const [i, { channel }] of agents.entries()) {
    const path = name();
    paths.push(path);
    await order(channel, 'listen', { path });
    if (i > 0) await order(agents[i - 1]!.channel, 'connect', { path });
  }
  return paths;
}

/** Waits until an agent holds no chunk, descriptor or mapping of others. */
async function atRest({ channel }: Forked, wanted: object): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    const { head } = await order(channel, 'excess');
    if (JSON.stringify(head) === JSON.stringify(wanted)) return;
    await setImmediate();
  }
  assert.deepEqual((await order(channel, 'excess')).head, wanted);
}

/** Waits until a pool whose limit is `count` chunks can fill all of them. */
async function allFree(pool: Pool, count: number): Promise<void> {
  const free = (): boolean => {
    const filled: Aggregate[] = [];
    try {
      while (filled.length < count) filled.push(pool.from(Buffer.alloc(MiB)));
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_IOLITE_LIMIT');
      return false;
    } finally {
      for (const each of filled) each.release();
    }
  };
  const waiting = (async () => {
    while (!free()) await setImmediate();
  })();
  await watchdog(waiting, 'all chunks to be free');
}

/** Whether an idle chunk of a megabyte may be refilled now. */
function recycles(pool: Pool): boolean {
  const before = pool.stats().recycled;
  pool.from(Buffer.alloc(MiB, 0x7a)).release();
  return pool.stats().recycled > before;
}

for (const kind of ['recycle', 'protect', 'seal'] as const) {
  test(`a chain: what the last holds outlives the death of all between, and no more (${kind})`, async () => {
    const before = holdings();
    {
      await using family = new Family();
      const pool = createPool({ kind, limit: 8 * CHUNK });
      const agents = [await family.fork(AGENT), await family.fork(AGENT), await family.fork(AGENT)] as const;
      const [first, second, third] = agents;
      const paths = await chain(agents);
      const bytes = Buffer.alloc(MiB, 'chained');
      const body = pool.from(bytes);
      await order(first.channel, 'keep', {}, body);
      await order(first.channel, 'pass', { path: paths[1] });
      await order(second.channel, 'pass', { path: paths[2] });
      body.release();
      for (const { process } of [first, second]) {
        await ended(process, 'SIGKILL');
        // The owner goes on filling buffers; none of them is this one.
        for (let i = 0; i < 20; i++) pool.from(Buffer.alloc(MiB, i)).release();
        assert.deepEqual((await order(third.channel, 'read')).head, [sha1(bytes)]);
      }
      await order(third.channel, 'release');
      await allFree(pool, 8);
      pool.close();
      assert.equal(pool.stats().chunks, 0);
      // What it listens on.
      await atRest(third, { descriptors: 1, mappings: 0 });
    }
    await holdingsReturnTo(before);
  });
}

test('a cycle: a buffer that comes back to its owner is leased once more, and all of it ends', async () => {
  const before = holdings();
  {
    await using family = new Family();
    await using endpoint = await listen(name());
    const held: Aggregate[] = [];
    endpoint.on('channel', channel =>
      channel.onRequest(({ body }) => {
        held.push(body!);
        return {};
      }),
    );
    const pool = createPool();
    const agents = [await family.fork(AGENT), await family.fork(AGENT)] as const;
    const paths = await chain(agents);
    await order(agents[1].channel, 'connect', { path: endpoint.path });
    const bytes = Buffer.alloc(MiB, 'around');
    const body = pool.from(bytes);
    for (let round = 0; round < 3; round++) {
      await order(agents[0].channel, 'keep', {}, round === 0 ? body : held.at(-1)!);
      await order(agents[0].channel, 'pass', { path: paths[1] });
      await order(agents[1].channel, 'pass', { path: endpoint.path });
    }
    body.release();
    assert.equal(recycles(pool), false);
    assert.deepEqual(
      held.map(each => sha1(each.toBuffer())),
      [sha1(bytes), sha1(bytes), sha1(bytes)],
    );
    for (const { channel } of agents) await order(channel, 'release');
    for (const each of held.splice(0)) each.release();
    pool.close();
    assert.equal(pool.stats().chunks, 0);
    await order(agents[0].channel, 'disconnect', { path: paths[1] });
    await order(agents[1].channel, 'disconnect', { path: endpoint.path });
    for (const agent of agents) await atRest(agent, { descriptors: 1, mappings: 0 });
  }
  await holdingsReturnTo(before);
});

test('two that have passed a chunk to each other let go of it when its owner has', async () => {
  const before = holdings();
  {
    await using family = new Family();
    const pool = createPool({ chunkSize: CHUNK });
    const agents = [await family.fork(AGENT), await family.fork(AGENT)] as const;
    const [one, other] = agents;
    const [, toOther] = await chain(agents);
    const toOne = name();
    await order(one.channel, 'listen', { path: toOne });
    await order(other.channel, 'connect', { path: toOne });
    const rests: object[] = [];
    for (const { channel } of agents) rests.push((await order(channel, 'excess')).head as object);
    for (const dropped of ['when nobody holds it', 'while both hold it']) {
      const bytes = Buffer.alloc(MiB, dropped);
      const body = pool.from(bytes);
      for (const { channel } of agents) await order(channel, 'keep', {}, body);
      await order(one.channel, 'pass', { path: toOther });
      await order(other.channel, 'pass', { path: toOne });
      const digests = Array(2).fill(sha1(bytes));
      for (const { channel } of agents) assert.deepEqual((await order(channel, 'read')).head, digests);
      if (dropped === 'while both hold it') pool.close();
      body.release();
      for (const { channel } of agents) await order(channel, 'release');
      while (pool.stats().chunks > 0) {
        pool.trim();
        await setImmediate();
      }
      for (const [i, agent] of agents.entries()) await atRest(agent, rests[i] as object);
    }
  }
  await holdingsReturnTo(before);
});

test('fan-out to 100 domains: one copy, recycled after the last has let go', async () => {
  const before = holdings();
  {
    await using family = new Family();
    await using endpoint = await listen(name());
    const pool = createPool({ limit: 2 * CHUNK });
    const agents = await Promise.all(Array.from({ length: 4 }, () => family.fork(AGENT)));
    const channels: Channel[] = [];
    endpoint.on('channel', channel => channels.push(channel));
    for (const { channel } of agents) await order(channel, 'connect', { path: endpoint.path, size: 25 });
    while (channels.length < 100) await watchdog(once(endpoint, 'channel'), 'the next channel');
    const bytes = Buffer.alloc(MiB, 'fanned out');
    const body = pool.from(bytes);
    await Promise.all(channels.map(channel => order(channel, 'keep', {}, body)));
    assert.equal(pool.stats().chunks, 1);
    body.release();
    for (const [i, { channel }] of agents.entries()) {
      assert.equal(recycles(pool), i > 0, 'a second chunk is recycled, the first is not');
      assert.deepEqual((await order(channel, 'read')).head, Array(25).fill(sha1(bytes)));
      await order(channel, 'release');
    }
    await allFree(pool, 2);
    pool.close();
    assert.equal(pool.stats().chunks, 0);
    for (const { channel } of agents) await order(channel, 'disconnect', { path: endpoint.path });
    for (const agent of agents) await atRest(agent, { descriptors: 0, mappings: 0 });
  }
  await holdingsReturnTo(before);
});

test('fan-out to 12 processes, half of which are killed', async () => {
  const before = holdings();
  {
    await using family = new Family();
    const pool = createPool({ limit: 2 * CHUNK });
    const agents: Forked[] = [];
    for (let i = 0; i < 12; i += 4) {
      agents.push(...(await Promise.all([0, 1, 2, 3].map(() => family.fork(AGENT)))));
    }
    const bytes = Buffer.alloc(MiB, 'to many');
    const body = pool.from(bytes);
    await Promise.all(agents.map(({ channel }) => order(channel, 'keep', {}, body)));
    assert.equal(pool.stats().chunks, 1);
    body.release();
    for (const [i, { channel, process }] of agents.entries()) {
      if (i % 2 === 0) {
        await ended(process, 'SIGKILL');
        continue;
      }
      pool.from(Buffer.alloc(MiB, i)).release();
      assert.deepEqual((await order(channel, 'read')).head, [sha1(bytes)]);
      await order(channel, 'release');
    }
    await allFree(pool, 2);
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  }
  await holdingsReturnTo(before);
});
