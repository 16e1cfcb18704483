import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { Forked } from '../../src/ipc/meet/fork.ts';
import { Family } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';

const HOLDER = new URL('./children/holder.ts', import.meta.url);
const MiB = 1024 ** 2;
const CHUNK = MiB + 4096;

/** Allocates a MiB as soon as there is room. */
async function roomIn(pool: Pool): Promise<void> {
  for (;;) {
    try {
      pool.allocate(MiB).discard();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_IOLITE_LIMIT') throw error;
    }
    await pause(50);
  }
}

async function keep({ channel }: Forked, pool: Pool, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    using body = pool.from(Buffer.alloc(MiB, i));
    await channel.request({ head: { ask: 'keep' }, body });
  }
}

test('holders() names who holds, and how much, among those who were given the same', async () => {
  await using family = new Family();
  const [one, two] = await Promise.all([family.fork(HOLDER), family.fork(HOLDER)]);
  using pool = createPool({ limit: 16 * CHUNK });
  const before = Date.now();
  await keep(one, pool, 2);
  {
    // Both are given it; the other one keeps it.
    using body = pool.from(Buffer.alloc(MiB, 9));
    await one.channel.request({ head: { ask: 'release' }, body });
    await two.channel.request({ head: { ask: 'keep' }, body });
  }
  await keep(one, pool, 3);
  const held = (): (readonly [number, number])[] =>
    pool.holders().map(({ pid, chunks }) => [pid, chunks] as const);
  const expected = [
    [one.process.pid, 3],
    [two.process.pid, 1],
  ];
  // Kernel locks of what was released linger for some milliseconds.
  await watchdog(
    (async () => {
      while (JSON.stringify(held()) !== JSON.stringify(expected)) await pause(5);
    })(),
    'the locks to go',
  );
  const [most] = pool.holders();
  assert.equal(most?.bytes, 3 * CHUNK);
  assert.equal(most?.uid, process.getuid?.());
  assert.ok((most?.since ?? 0) >= before && (most?.since ?? 0) <= Date.now());
});

test('who keeps more than its part of a full pool is cut off, and others get room', async () => {
  await using family = new Family();
  const [greedy, modest] = await Promise.all([family.fork(HOLDER), family.fork(HOLDER)]);
  using pool = createPool({ limit: 8 * CHUNK });
  await keep(modest, pool, 2);
  await keep(greedy, pool, 6);
  const closed = once(greedy.channel, 'close');
  assert.throws(() => pool.allocate(MiB), { code: 'ERR_IOLITE_LIMIT' });
  await watchdog(roomIn(pool), 'room');
  const [error] = await watchdog(closed, 'the channel to close');
  assert.equal((error as { code?: string }).code, 'ERR_IOLITE_LIMIT');
  // What the other one holds is as it was, and it goes on.
  const answer = await modest.channel.request({ head: { ask: 'tell' } });
  assert.deepEqual(answer.head, ['\0'.repeat(20), '\x01'.repeat(20)]);
  await keep(modest, pool, 1);
  assert.deepEqual(
    pool.holders().map(({ pid }) => pid),
    [modest.process.pid],
  );
});

test('a stopped process that takes nothing is cut off when the pool is full', async () => {
  await using family = new Family();
  const stopped = await family.fork(HOLDER);
  const { channel, process: child } = stopped;
  using pool = createPool({ limit: 8 * CHUNK });
  child.kill('SIGSTOP');
  try {
    const closed = once(channel, 'close');
    for (let i = 0; i < 8; i++) {
      using body = pool.from(Buffer.alloc(MiB, i));
      await channel.send({ body });
    }
    assert.throws(() => pool.allocate(MiB), { code: 'ERR_IOLITE_LIMIT' });
    assert.deepEqual(
      pool.holders().map(({ pid, chunks }) => [pid, chunks]),
      [[child.pid, 8]],
    );
    await watchdog(roomIn(pool), 'room');
    await watchdog(closed, 'the channel to close');
  } finally {
    child.kill('SIGKILL');
  }
});

test('who holds less than it may is not cut off', async () => {
  await using family = new Family();
  const half = await family.fork(HOLDER);
  using pool = createPool({ limit: 8 * CHUNK });
  await keep(half, pool, 4);
  using _own = pool.from(Buffer.alloc(4 * MiB - 4 * 4096));
  assert.throws(() => pool.allocate(4 * MiB), { code: 'ERR_IOLITE_LIMIT' });
  assert.equal(half.channel.closed, false);
  await half.channel.request({ head: { ask: 'release' } });
});
