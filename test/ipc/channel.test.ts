import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import type { IoliteError } from '../../src/base/error.ts';
import type { Message } from '../../src/ipc/message.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { ended, Family } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';

const ECHO = new URL('./children/echo.ts', import.meta.url);
const PROBER = new URL('./children/prober.ts', import.meta.url);
const MiB = 1024 ** 2;

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>(settle => {
    resolve = settle;
  });
  return { promise, resolve };
}

test('request() carries head and body there and back', async () => {
  await using family = new Family();
  using pool = createPool();
  const { channel } = await family.fork(ECHO);
  for (const head of [undefined, null, 0, 'text', [1, { a: 'ü' }]]) {
    for (const text of [undefined, '', 'some bytes', 'x'.repeat(3 * MiB)]) {
      const body = text === undefined ? undefined : pool.from(text);
      const message: Message = {
        ...(head === undefined ? {} : { head }),
        ...(body === undefined ? {} : { body }),
      };
      const answer = await channel.request(message);
      assert.deepEqual(answer.head, head);
      assert.equal(answer.body?.toString(), text);
      answer.body?.release();
      body?.release();
    }
  }
});

test('request() carries many slices of many chunks', async () => {
  await using family = new Family();
  const pools = [
    createPool(),
    createPool({ kind: 'protect' }),
    createPool({ kind: 'seal' }),
    createPool({ chunkSize: 8192 }),
  ];
  const { channel } = await family.fork(ECHO);
  const parts = Array.from({ length: 600 }, (_, i) => pools[i % 3]?.from(`${i},`) as Aggregate);
  const body = Aggregate.concat(parts);
  const answer = await watchdog(channel.request({ body }), 'the answer');
  assert.equal(answer.body?.toString(), body.toString());
  for (const each of [...parts, body, answer.body]) each?.release();
  for (const pool of pools) pool.close();
});

test('request() brings a body that the peer made', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO);
  const { body } = await channel.request({ head: { ask: 'own' } });
  assert.equal(body?.toString(), 'from the child');
  body?.release();
});

test("request() throws what the peer's handler threw, with its code", async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO);
  await assert.rejects(channel.request({ head: { ask: 'fail' } }), {
    code: 'ERR_OF_THE_TEST',
    message: 'as asked',
  });
  const plain = channel.request({ head: { ask: 'fail plainly' } });
  await assert.rejects(plain, (error: IoliteError) => {
    assert.equal(error.code, 'ERR_IOLITE_REMOTE', 'not the code of a dead peer');
    const { name, message } = error.cause as Error;
    assert.deepEqual([name, message], ['Error', error.message]);
    return true;
  });
});

test('request() ends with its signal, and the peer is told', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO);
  const controller = new AbortController();
  const hanging = channel.request({ head: { ask: 'hang' } }, { signal: controller.signal });
  await channel.request({});
  controller.abort(new Error('no longer'));
  await assert.rejects(hanging, { message: 'no longer' });
  const { head } = await channel.request({ head: { ask: 'aborted' } });
  assert.equal(head, 1);
  await assert.rejects(channel.request({}, { signal: controller.signal }), { message: 'no longer' });
});

test('request() ends with its time-out, and the peer is told', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO);
  await assert.rejects(channel.request({ head: { ask: 'hang' } }, { timeout: 1 }), {
    code: 'ERR_IOLITE_TIMEOUT',
    message: 'The peer did not answer in 1 ms',
  });
  const { head } = await channel.request({ head: { ask: 'aborted' } }, { timeout: 60_000 });
  assert.equal(head, 1);
  await assert.rejects(channel.request({}, { timeout: -1 }), { code: 'ERR_IOLITE_RANGE' });
});

test('requester.ask() tells one of the two, once; not when its wait was ended', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO);
  const { requester } = channel;
  const ask = (what: string): { told: Promise<unknown>; end: () => boolean } => {
    let number = 0;
    const told = new Promise((resolve, reject) => {
      number = requester.ask({ head: { ask: what } }, { resolve, reject });
    });
    assert.equal(requester.isWaiting(number), true);
    return { told, end: () => requester.giveUp(number) };
  };
  for (const nobody of [undefined, {}, { resolve: () => {} }]) {
    assert.throws(() => requester.ask({}, nobody as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  await assert.rejects(ask('fail').told, { code: 'ERR_OF_THE_TEST' });
  const hanging = ask('hang');
  assert.equal(hanging.end(), true);
  assert.equal(hanging.end(), false);
  const aborted = ask('aborted');
  assert.equal(((await aborted.told) as Message).head, 1);
  assert.equal(aborted.end(), false);
  await channel.close();
  await assert.rejects(ask('fail').told, { code: 'ERR_IOLITE_CLOSED' });
});

test('send() keeps order, and the peer need not hurry', async () => {
  await using family = new Family();
  using pool = createPool();
  const { channel } = await family.fork(ECHO);
  const count = 2000;
  const received: string[] = [];
  const reading = (async () => {
    for await (const { body } of channel) {
      received.push(body?.toString() ?? '');
      body?.release();
      if (received.length === count) return;
    }
  })();
  for (let i = 0; i < count; i++) {
    using body = pool.from(String(i));
    await channel.send({ body });
  }
  await watchdog(reading, 'all messages to come back');
  assert.deepEqual(
    received,
    Array.from({ length: count }, (_, i) => String(i)),
  );
});

test('send() pauses when the peer takes nothing, and requests still get answers', async () => {
  await using family = new Family();
  const { channel } = await family.fork(ECHO, ['deaf']);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 5000; sent++) await channel.send({ head: sent });
  })();
  sending.catch(() => {});
  // As many turns as the messages would need if nothing held them back.
  for (let turn = 0; turn < 6000; turn++) await setImmediate();
  assert.equal(sent, 1024);
});

test('send() refuses what cannot be sent, and the channel goes on', async () => {
  await using family = new Family();
  using pool = createPool();
  using heap = createPool({ memory: 'heap' });
  using other = createPool({ acl: { uids: [4_000_000] } });
  const { channel } = await family.fork(ECHO);
  using onHeap = heap.from('x');
  using forOthers = other.from('x');
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const refused: [unknown, string][] = [
    [{ body: onHeap }, 'ERR_IOLITE_UNSUPPORTED'],
    [{ body: forOthers }, 'ERR_IOLITE_ACCESS'],
    [{ head: circular }, 'ERR_IOLITE_ARGUMENT'],
    [{ head: () => 1 }, 'ERR_IOLITE_ARGUMENT'],
    [{ head: 'x'.repeat(2 * MiB) }, 'ERR_IOLITE_RANGE'],
    [undefined, 'ERR_IOLITE_ARGUMENT'],
    [{ body: 7 }, 'ERR_IOLITE_ARGUMENT'],
  ];
  for (const [message, code] of refused) {
    await assert.rejects(channel.send(message as Message), { code });
    await assert.rejects(channel.request(message as Message), { code });
  }
  const released = pool.from('x');
  released.release();
  await assert.rejects(channel.send({ body: released }), { code: 'ERR_IOLITE_RELEASED' });
  assert.deepEqual((await channel.request({ head: 1 })).head, 1);
});

test('a chunk is passed once, and given up by the peer when its pool drops it', async () => {
  await using family = new Family();
  const pool = createPool();
  const { channel } = await family.fork(PROBER);
  const body = pool.from('x'.repeat(MiB));
  for (let i = 0; i < 3; i++) await channel.request({ head: { ask: 'keep' }, body });
  const { head } = await channel.request({ head: { ask: 'release' } });
  assert.deepEqual(head, { imported: { bytes: MiB + 4096, chunks: 1 }, descriptors: 1 });
  body.release();
  pool.close();
  const after = await channel.request({ head: { ask: 'nothing' } });
  assert.deepEqual(after.head, { imported: { bytes: 0, chunks: 0 }, descriptors: 0 });
});

test("a peer's lease keeps a chunk from being recycled, and its death ends the lease", async () => {
  await using family = new Family();
  using pool = createPool();
  const { channel, process } = await family.fork(PROBER);
  const first = pool.from('a'.repeat(MiB));
  await channel.request({ head: { ask: 'keep' }, body: first });
  first.release();
  const second = pool.from('b'.repeat(MiB));
  assert.equal(pool.stats().recycled, 0);
  assert.deepEqual((await channel.request({ head: { ask: 'read' } })).head, ['a'.repeat(40)]);
  await ended(process, 'SIGKILL');
  const third = pool.from('c'.repeat(MiB));
  assert.equal(pool.stats().recycled, 1);
  second.release();
  third.release();
});

test('a lease does not depend on who forwarded the chunk', async () => {
  await using family = new Family();
  using pool = createPool();
  const middle = await family.fork(PROBER);
  const last = await family.fork(PROBER);
  const body = pool.from('passed on'.padEnd(MiB));
  await middle.channel.request({ head: { ask: 'keep' }, body });
  const { body: back } = await middle.channel.request({ head: { ask: 'send back' } });
  assert.ok(back !== undefined);
  await last.channel.request({ head: { ask: 'keep' }, body: back });
  back.release();
  body.release();
  await ended(middle.process, 'SIGKILL');
  const next = pool.from('other content'.padEnd(MiB));
  assert.equal(pool.stats().recycled, 0);
  assert.deepEqual((await last.channel.request({ head: { ask: 'read' } })).head, ['passed on'.padEnd(40)]);
  next.release();
});

test('close() delivers what was sent', async () => {
  await using family = new Family();
  using pool = createPool();
  const { channel, process } = await family.fork(ECHO);
  const received: string[] = [];
  const reading = (async () => {
    for await (const { body } of channel) received.push(body?.toString() ?? '');
  })();
  for (let i = 0; i < 100; i++) {
    using body = pool.from(String(i));
    await channel.send({ body });
  }
  await channel.request({});
  await watchdog(channel.close(), 'the channel to close');
  await watchdog(reading, 'the messages to end');
  assert.deepEqual(await ended(process), { code: 0, signal: null });
  await assert.rejects(channel.send({}), { code: 'ERR_IOLITE_CLOSED' });
  await assert.rejects(channel.request({}), { code: 'ERR_IOLITE_CLOSED' });
});

test('close() is graceful although a request is answered too late', async () => {
  using pool = createPool();
  using pair = new ChannelPair();
  const ends = [pair.near, pair.far].map(
    channel => new Promise<Error | undefined>(resolve => channel.once('close', resolve)),
  );
  const { promise: asked, resolve: ask } = deferred<(answer: Message) => void>();
  pair.far.onRequest(() => new Promise<Message>(ask));
  const request = pair.near.request({});
  request.catch(() => {});
  const answer = await watchdog(asked, 'the request');
  void pair.far.close();
  const body = pool.from('late');
  answer({ body });
  await assert.rejects(watchdog(request, 'the request to fail'), { code: 'ERR_IOLITE_PEER' });
  assert.deepEqual(await watchdog(Promise.all(ends), 'the channel to close'), [undefined, undefined]);
  assert.ok(body.released);
});

test('ready() tells all who wait', async () => {
  for (const end of ['greeting', 'destroy'] as const) {
    using pair = new ChannelPair();
    const waits = Promise.allSettled([pair.near.ready(), pair.near.ready()]);
    if (end === 'destroy') pair.near.destroy();
    const wanted = end === 'destroy' ? 'rejected' : 'fulfilled';
    const results = await watchdog(waits, 'both to be told');
    assert.deepEqual(
      results.map(({ status }) => status),
      [wanted, wanted],
    );
  }
});

test('a handler that answers twice is heard once', async () => {
  using pair = new ChannelPair();
  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: what a handler may return by mistake.
    then(resolve: (message: Message) => void, reject: (error: Error) => void): void {
      resolve({ head: 'first' });
      resolve({ head: 'second' });
      reject(new Error('third'));
    },
  };
  pair.far.onRequest(() => twice as unknown as Promise<Message>);
  for (let i = 0; i < 3; i++) {
    assert.equal((await watchdog(pair.near.request({}), 'the answer')).head, 'first');
  }
});

test('the death of the peer fails what waits for it, and leaves nothing behind', async () => {
  using pool = createPool();
  const before = openDescriptors();
  {
    await using family = new Family();
    const { channel, process } = await family.fork(ECHO);
    using body = pool.from('x'.repeat(MiB));
    const pending = channel.request({ head: { ask: 'hang' }, body });
    const next = channel[Symbol.asyncIterator]().next();
    const closed = new Promise<Error | undefined>(resolve => channel.once('close', resolve));
    next.catch(() => {});
    process.kill('SIGKILL');
    await assert.rejects(watchdog(pending, 'the request to fail'), { code: 'ERR_IOLITE_PEER' });
    await assert.rejects(next, { code: 'ERR_IOLITE_PEER' });
    assert.equal(((await closed) as { code?: string }).code, 'ERR_IOLITE_PEER');
    await ended(process);
  }
  assert.equal(pool.stats().bytesLive, 0);
  // The chunk's memfd stays with its pool; sockets are gone.
  assert.ok(openDescriptors() <= before + 1, `${openDescriptors()} descriptors, ${before} before`);
});

test('a channel that gathers sends all that is asked in a turn, in order', async () => {
  using pair = new ChannelPair({ gather: true });
  const came: unknown[] = [];
  pair.far.onRequest(({ head }) => {
    came.push(head);
    return head === undefined ? {} : { head };
  });
  const asked = Array.from({ length: 20 }, (_, i) => pair.near.request({ head: i }));
  const answers = await watchdog(Promise.all(asked), 'the answers');
  assert.deepEqual(
    answers.map(({ head }) => head),
    came,
  );
  assert.equal(came.length, 20);
  await watchdog(Promise.all([pair.near.close(), pair.far.close()]), 'the channel to close');
});
