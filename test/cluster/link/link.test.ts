import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Link } from '../../../src/cluster/link/link.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Machines } from '../support/machines.ts';
import { withNats } from '../support/nats-server.ts';

const KIB = 1024;
const MIB = 1024 ** 2;

async function next(link: Link): Promise<Message> {
  const { value } = await watchdog(link[Symbol.asyncIterator]().next(), 'a message');
  assert.ok(value !== undefined, 'the link has not ended');
  return value;
}

describe('a link', withNats, () => {
  let machines: Machines;
  before(async () => {
    machines = await Machines.start();
  });
  after(() => machines[Symbol.asyncDispose]());

  test('says who is at the other end, and brings messages and answers both ways', async () => {
    const { near, far } = await machines.link('both');
    assert.deepEqual(near.peer, { machine: 'b', name: 'both' });
    assert.deepEqual(far.peer, { machine: 'a', name: 'both' });
    await near.send({ head: { n: 1 }, body: 'one' });
    await far.send({ head: { n: 2 } });
    const one = await next(far);
    using body = one.body;
    assert.deepEqual([one.head, body?.toString()], [{ n: 1 }, 'one']);
    assert.deepEqual(await next(near), { head: { n: 2 } });
    far.onRequest(({ head, body: asked }) => {
      using given = asked;
      return { head: { asked: head ?? null }, body: given?.toString().toUpperCase() };
    });
    const answer = await near.request({ head: 'h', body: 'question' });
    using answered = answer.body;
    assert.deepEqual([answer.head, answered?.toString()], [{ asked: 'h' }, 'QUESTION']);
    far.onRequest(() => {
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    });
    await assert.rejects(near.request({}), { code: 'ENOENT', message: 'no' });
    await Promise.all([near.close(), far.close()]);
    assert.ok(near.closed && far.closed);
    await assert.rejects(near.send({}), { code: 'ERR_IOLITE_CLOSED' });
  });

  test('brings bodies of any length in order, as slices of a pool of the receiver', async () => {
    using pool = createPool({ name: 'received', acl: { machines: ['a'] } });
    const { near, far } = await machines.link('bodies', {}, { pool });
    const lengths = [0, 1, 256 * KIB, 256 * KIB + 1, 5 * MIB + 17, 10, 3 * MIB, 0];
    const sent = lengths.map(length => randomBytes(length));
    const sending = Promise.all(sent.map((bytes, n) => near.send({ head: n, body: bytes })));
    for (const [n, bytes] of sent.entries()) {
      const { head, body } = await next(far);
      assert.equal(head, n);
      assert.ok(body !== undefined);
      assert.ok(body.toBuffer().equals(bytes), `the body of ${bytes.length} bytes`);
      if (bytes.length > 256 * KIB) assert.ok(body.slices().length > 1, 'it is not flat');
      for (const { lease } of body.slices()) assert.equal(lease.chunk.acl, pool.chunks.acl);
      body.release();
    }
    await watchdog(sending, 'the sender');
    far.onRequest(({ body }) => ({ body }));
    const answer = await near.request({ body: sent[4] as Buffer });
    assert.ok(answer.body?.toBuffer().equals(sent[4] as Buffer));
    answer.body?.release();
    await Promise.all([near.close(), far.close()]);
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0);
  });

  test('brings streams, each with a window of its own, and no further than they are read', async () => {
    using pool = createPool({ name: 'streamed' });
    const { near, far } = await machines.link('streams', {}, { pool });
    let given = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for (let n = 0; n < 100; n++) {
        given += 1;
        yield Buffer.alloc(256 * KIB, n);
      }
    }
    const sending = near.sendStream(source(), { head: 'slow' });
    const { head, stream } = await next(far);
    assert.equal(head, 'slow');
    // A message overtakes the stream that nobody reads, and shows that all that may be sent was.
    far.onRequest(() => ({}));
    for (let before = -1; before !== given; ) {
      before = given;
      await near.request({});
      await near.request({});
    }
    assert.ok(given >= 16 && given <= 19, `${given} pieces were taken from the source`);
    const whole = near.sendStream([Buffer.from('short')]);
    const second = await next(far);
    for await (const piece of second.stream ?? []) {
      assert.equal(piece.toString(), 'short');
      piece.release();
    }
    await watchdog(whole, 'the second stream');
    let count = 0;
    for await (const piece of stream ?? []) {
      assert.ok(piece.length <= 256 * KIB);
      assert.equal(piece.readUInt8(0), Math.floor(count / (256 * KIB)));
      count += piece.length;
      piece.release();
    }
    await watchdog(sending, 'the stream');
    assert.equal(count, 100 * 256 * KIB);
    await near.close();
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0);
  });

  test('ends a stream at both sides, with the reason', async () => {
    const { near, far } = await machines.link('stops');
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield 'x'.repeat(1000);
    }
    const sending = near.sendStream(endless());
    const { stream } = await next(far);
    stream?.cancel(Object.assign(new Error('enough'), { code: 'E_ENOUGH' }));
    await assert.rejects(sending, { code: 'E_ENOUGH', message: 'enough' });
    async function* broken(): AsyncGenerator<string> {
      yield 'some';
      throw Object.assign(new Error('torn'), { code: 'E_TORN' });
    }
    const failing = assert.rejects(near.sendStream(broken()), { code: 'E_TORN' });
    const second = await next(far);
    await assert.rejects(
      async () => {
        for await (const piece of second.stream ?? []) piece.release();
      },
      { code: 'E_TORN', message: 'torn' },
    );
    await failing;
    near.destroy();
    await assert.rejects(far.request({}), { code: 'ERR_IOLITE_PEER' });
  });

  test('keeps on this machine what an ACL keeps here', async () => {
    const { near, far } = await machines.link('access');
    const uid = process.getuid?.() ?? 0;
    using kept = createPool({ acl: { uids: [uid] } });
    using named = createPool({ acl: { machines: ['b'] } });
    using other = createPool({ acl: { machines: ['c'] } });
    using open = createPool({ acl: 'everyone' });
    using heap = createPool({ memory: 'heap', acl: { pids: [process.pid] } });
    for (const pool of [kept, other, heap]) {
      using body = pool.from('kept');
      await assert.rejects(near.send({ body }), { code: 'ERR_IOLITE_ACCESS', message: /machine b/ });
      await assert.rejects(near.request({ body }), { code: 'ERR_IOLITE_ACCESS' });
      await assert.rejects(near.sendStream(['kept'], { pool }), { code: 'ERR_IOLITE_ACCESS' });
      assert.equal(body.toString(), 'kept');
    }
    // The streams' beginnings came, and their ends.
    for (let n = 0; n < 3; n++) (await next(far)).stream?.cancel();
    for (const pool of [named, open, createPool({ memory: 'heap' })]) {
      using body = pool.from('given');
      await near.send({ body });
      using came = (await next(far)).body;
      assert.equal(came?.toString(), 'given');
    }
    await near.close();
  });

  test('tells a sender what the receiver takes, and a request that its pool is full', async () => {
    using pool = createPool({ name: 'full', limit: 2 * MIB });
    const quotas = { maxBodyBytes: 8 * MIB, maxStreams: 1, maxHeadBytes: 100 };
    const { near, far } = await machines.link('limits', {}, { pool, ...quotas });
    await assert.rejects(near.send({ body: Buffer.alloc(8 * MIB + 1) }), { code: 'ERR_IOLITE_LIMIT' });
    await assert.rejects(near.send({ head: 'h'.repeat(100) }), { code: 'ERR_IOLITE_LIMIT' });
    const first = near.sendStream(['a']);
    await assert.rejects(near.sendStream(['b']), { code: 'ERR_IOLITE_LIMIT', mayRetry: true });
    for await (const piece of (await next(far)).stream ?? []) piece.release();
    await watchdog(first, 'the first stream');
    far.onRequest(({ body }) => {
      body?.release();
      return { head: 'done' };
    });
    await assert.rejects(near.request({ body: Buffer.alloc(4 * MIB) }), { code: 'ERR_IOLITE_LIMIT' });
    const { head } = await near.request({ body: Buffer.alloc(MIB) });
    assert.equal(head, 'done');
    await near.close();
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0);
  });

  test('gives up requests by signal and by time, and tells the other side', async () => {
    const { near, far } = await machines.link('cancel');
    const aborted: Promise<void>[] = [];
    far.onRequest((_, { signal }) => {
      const ended = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
      aborted.push(ended);
      return ended.then(() => ({}));
    });
    const controller = new AbortController();
    const asked = near.request({}, { signal: controller.signal });
    far.send({}).catch(() => {});
    await next(near);
    controller.abort(new Error('not needed'));
    await assert.rejects(asked, { message: 'not needed' });
    await assert.rejects(near.request({}, { timeout: 1 }), { code: 'ERR_IOLITE_TIMEOUT' });
    await watchdog(Promise.all(aborted), 'the handlers');
    far.onRequest(() => ({ head: 1 }));
    assert.equal((await near.request({})).head, 1);
    await far.close();
  });
});
