import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import type { Message } from '../../src/ipc/message.ts';
import { ended, Family } from '../support/family.ts';
import { holdings, holdingsReturnTo } from '../support/holdings.ts';
import { watchdog } from '../support/watchdog.ts';
import { RECEIVER_POINTS, SENDER_POINTS } from './children/stops.ts';

/**
 * SIGKILL of each party of a transfer at each of its steps. The child stops itself when it gets there; when
 * the kernel says that it has, it is killed.
 */

const AGENT = new URL('./children/agent.ts', import.meta.url);
const MiB = 1024 ** 2;
const CHUNK = MiB + 4096;

async function stopped(pid: number | undefined): Promise<void> {
  const state = (): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  const waiting = (async () => {
    while (state() !== 'T') await setImmediate();
  })();
  await watchdog(waiting, `process ${pid} to stop`);
}

/** Waits until the pool's only chunk can be refilled: nobody leases it. */
async function free(pool: Pool): Promise<void> {
  const refilled = (): boolean => {
    try {
      pool.from(Buffer.alloc(MiB)).release();
      return true;
    } catch {
      return false;
    }
  };
  const waiting = (async () => {
    while (!refilled()) await setImmediate();
  })();
  await watchdog(waiting, 'the chunk to be free');
}

const order = (channel: Channel, head: Message['head'], body?: Message['body']) =>
  channel.request({ head: head!, ...(body === undefined ? {} : { body }) });
const gone = { code: 'ERR_IOLITE_PEER' };

for (const point of RECEIVER_POINTS) {
  test(`a receiver that is killed when it has '${point}' leaves nothing leased`, async () => {
    const before = holdings();
    {
      await using family = new Family();
      const pool = createPool({ limit: CHUNK });
      const { channel, process: child } = await family.fork(AGENT);
      await watchdog(order(channel, { ask: 'stop at', path: point }), 'the answer');
      const body = pool.from(Buffer.alloc(MiB, 1));
      const transfer = order(channel, { ask: 'keep' }, body).catch(error => error.code);
      body.release();
      await stopped(child.pid);
      await ended(child, 'SIGKILL');
      const outcome = await watchdog(transfer, 'the transfer to end');
      if (point !== 'acknowledged') assert.equal(outcome, 'ERR_IOLITE_PEER');
      await free(pool);
      pool.close();
      assert.equal(pool.stats().chunks, 0);
    }
    await holdingsReturnTo(before);
  });
}

for (const point of SENDER_POINTS) {
  test(`an owner killed when it has '${point}' leaves its receiver what it got, nothing else`, async () => {
    const before = holdings();
    {
      await using family = new Family();
      const { channel, process: child } = await family.fork(AGENT);
      await watchdog(order(channel, { ask: 'stop at', path: point }), 'the answer');
      const transfer = order(channel, { ask: 'make', size: MiB }).catch(error => error as { code?: string });
      await stopped(child.pid);
      await ended(child, 'SIGKILL');
      const outcome = await watchdog(transfer, 'the transfer to end');
      assert.equal('body' in outcome, point === 'written the message');
      if ('body' in outcome) {
        using body = outcome.body!;
        assert.ok(body.toBuffer().equals(Buffer.alloc(MiB, 0x61)));
      } else {
        assert.equal((outcome as { code?: string }).code, 'ERR_IOLITE_PEER');
      }
    }
    await holdingsReturnTo(before);
  });

  test(`a forwarder killed when it has '${point}' leaves owner and receiver undisturbed`, async () => {
    const before = holdings();
    {
      await using family = new Family();
      const pool = createPool({ limit: CHUNK });
      await using endpoint = await listen(`@iolite-kill-${process.pid}-${point}`);
      const last = await family.fork(AGENT);
      const path = `${endpoint.path}-last`;
      await order(last.channel, { ask: 'listen', path });
      const { channel, process: middle } = await family.fork(AGENT);
      await order(channel, { ask: 'connect', path });
      const bytes = Buffer.alloc(MiB, 2);
      const body = pool.from(bytes);
      await order(channel, { ask: 'keep' }, body);
      body.release();
      await watchdog(order(channel, { ask: 'stop at', path: point }), 'the answer');
      const passing = assert.rejects(order(channel, { ask: 'pass', path }), gone);
      await stopped(middle.pid);
      await ended(middle, 'SIGKILL');
      await watchdog(passing, 'the forwarding to fail');
      const { head } = await watchdog(order(last.channel, { ask: 'read' }), 'the receiver to answer');
      assert.equal((head as string[]).length, point === 'written the message' ? 1 : 0);
      if ((head as string[]).length > 0) {
        assert.deepEqual(head, [createHash('sha1').update(bytes).digest('hex')]);
        assert.throws(() => pool.from(bytes), { code: 'ERR_IOLITE_LIMIT' });
        await order(last.channel, { ask: 'release' });
      }
      await free(pool);
      pool.close();
      assert.equal(pool.stats().chunks, 0);
    }
    await holdingsReturnTo(before);
  });
}
