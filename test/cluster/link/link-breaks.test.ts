import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Link } from '../../../src/cluster/link/link.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Machines } from '../support/machines.ts';
import { withNats } from '../support/nats-server.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const READER = new URL('./children/link-reader.ts', import.meta.url);

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * KIB, 1);
}

async function next(link: Link): Promise<Message | undefined> {
  const { value } = await watchdog(link[Symbol.asyncIterator]().next(), 'a message');
  return value;
}

describe('a link that breaks', withNats, () => {
  let machines: Machines;
  before(async () => {
    machines = await Machines.start();
  });
  after(() => machines[Symbol.asyncDispose]());

  test('was never made where nobody listens', async () => {
    const link = machines.first.connect('nobody');
    const asked = link.request({ body: 'question' });
    const streamed = link.sendStream(['stream']);
    for (const promise of [link.ready(), asked, streamed, link.send({})])
      await assert.rejects(promise, { code: 'ERR_IOLITE_PEER', message: /nobody listens/ });
    assert.ok(link.closed);
  });

  test('fails all that is open when the receiver is killed, or stands still', async () => {
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      using pool = createPool({ name: 'sent' });
      await using reader = new Program(READER, [machines.server.url, signal, 'end', '{"heartbeat":100}']);
      assert.equal(await reader.line(), 'listening');
      const link = machines.first.connect('end', { heartbeat: 100 });
      const failed = [
        link.sendStream(endless(), { pool, head: 'stream' }),
        link.request({ body: 'question' }),
        link.request({ body: Buffer.alloc(9 * MIB) }),
        link.request({ body: Buffer.alloc(20 * MIB) }),
      ].map(promise => assert.rejects(promise, { code: 'ERR_IOLITE_PEER' }));
      const closed = once(link, 'close');
      await reader.line();
      reader.kill(signal);
      await watchdog(Promise.all(failed), `the failures after ${signal}`);
      const [error] = await closed;
      assert.equal(error.code, 'ERR_IOLITE_PEER');
      assert.equal(await next(link).catch(({ code }) => code), 'ERR_IOLITE_PEER');
      pool.trim();
      assert.equal(pool.stats().bytesMapped, 0);
    }
  });

  test('fails when the sender is gone, in the middle of a stream', async () => {
    using pool = createPool({ name: 'received' });
    const { near, far } = await machines.link('gone', {}, { pool });
    near.sendStream(endless()).catch(() => {});
    const message = await next(far);
    const { value } = (await message?.stream?.next()) ?? {};
    value?.release();
    near.destroy();
    await assert.rejects(
      async () => {
        for await (const piece of message?.stream ?? []) piece.release();
      },
      { code: 'ERR_IOLITE_PEER' },
    );
    assert.ok(far.closed);
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0);
  });

  test('shares links among those who listen as a queue, and gives each to one of others', async () => {
    for (const queue of [true, false]) {
      const endpoints = [
        await machines.first.listen('shared', { queue }),
        await machines.second.listen('shared', { queue }),
      ];
      const counts = endpoints.map(() => 0);
      for (const [at, endpoint] of endpoints.entries()) {
        endpoint.on('channel', link => {
          counts[at] = (counts[at] ?? 0) + 1;
          link.onRequest(() => ({ head: at }));
        });
        endpoint.on('refused', ({ code }: NodeJS.ErrnoException) => assert.equal(code, 'ERR_IOLITE_PEER'));
      }
      const links = Array.from({ length: 24 }, () => machines.first.connect('shared'));
      const answers = await watchdog(Promise.all(links.map(link => link.request({}))), 'all answers');
      for (const [at, count] of counts.entries()) {
        assert.equal(answers.filter(({ head }) => head === at).length, count);
        if (queue) assert.ok(count > 0, 'each has some');
      }
      await Promise.all(links.map(link => link.close()));
      for (const endpoint of endpoints) await endpoint.close();
    }
    await assert.rejects(machines.first.connect('shared').ready(), { code: 'ERR_IOLITE_PEER' });
  });

  test('is refused by who has as many as it may', async () => {
    const endpoint = await machines.second.listen('few', { maxLinks: 1 });
    const first = machines.first.connect('few');
    await first.ready();
    const [link] = await once(endpoint, 'channel');
    const refused = once(endpoint, 'refused');
    await assert.rejects(machines.first.connect('few').ready(), { code: 'ERR_IOLITE_LIMIT' });
    assert.equal((await refused)[0].code, 'ERR_IOLITE_LIMIT');
    await first.close();
    assert.ok(link.closed);
    await machines.first.connect('few').ready();
    await endpoint.close();
  });
});

test('a link fails when NATS is killed, and another one is opened when it is back', withNats, async () => {
  await using machines = await Machines.start();
  using pool = createPool({ name: 'received' });
  const { near, far } = await machines.link('again', {}, { pool });
  const sending = assert.rejects(near.sendStream(endless()), { code: 'ERR_IOLITE_PEER' });
  const asked = assert.rejects(far.request({}), { code: 'ERR_IOLITE_PEER' });
  const message = await next(far);
  await machines.server.kill();
  await watchdog(Promise.all([sending, asked]), 'the failures');
  await assert.rejects(
    async () => {
      for await (const piece of message?.stream ?? []) piece.release();
    },
    { code: 'ERR_IOLITE_PEER' },
  );
  assert.ok(near.closed && far.closed);
  await machines.server.start();
  for (;;) {
    const link = machines.first.connect('again');
    const isOpen = await link.ready().then(
      () => true,
      () => false,
    );
    if (!isOpen) continue;
    await watchdog(link.send({ head: 'back' }), 'a message');
    await link.close();
    break;
  }
  pool.trim();
  assert.equal(pool.stats().bytesMapped, 0);
});

test('a link works through a server that takes less at once than a piece', withNats, async () => {
  using folder = new Folder();
  const path = folder.file('nats.conf');
  writeFileSync(path, 'max_payload: 2000\n');
  await using machines = await Machines.start(['a', 'b'], ['-c', path]);
  const { near, far } = await machines.link('small');
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 251));
  const head = 'h'.repeat(10_000);
  far.onRequest(message => message);
  const answer = await near.request({ head, body: bytes });
  assert.equal(answer.head, head);
  assert.ok(answer.body?.toBuffer().equals(bytes));
  answer.body?.release();
  const sending = near.sendStream([bytes, bytes]);
  let length = 0;
  for await (const piece of (await next(far))?.stream ?? []) {
    length += piece.length;
    piece.release();
  }
  await sending;
  assert.equal(length, 200_000);
  await near.close();
});
