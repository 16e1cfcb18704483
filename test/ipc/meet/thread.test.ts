import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../../src/aggregate/pool.ts';
import { spawnThread } from '../../../src/ipc/meet/thread.ts';
import { ended } from '../../support/family.ts';
import { holdings, holdingsReturnTo } from '../../support/holdings.ts';
import { Program } from '../../support/program.ts';
import { Threads } from '../../support/threads.ts';
import { watchdog } from '../../support/watchdog.ts';

const ECHO = new URL('../children/echo.ts', import.meta.url);
const HOLDER = new URL('../children/holder.ts', import.meta.url);
const CHURN = new URL('../children/churn.ts', import.meta.url);
const MAPPER = new URL('../children/mapper.ts', import.meta.url);
const NESTER = new URL('../children/nester.ts', import.meta.url);
const MiB = 1024 ** 2;

/** What is held once the first thread has run: Node opens a few things of their own then. */
async function baseline(): Promise<ReturnType<typeof holdings>> {
  await using threads = new Threads();
  const { thread } = await threads.spawn(HOLDER);
  await watchdog(thread.terminate(), 'the thread to end');
  return holdings();
}

test('a thread is a domain: buffers go there and come from there by reference', async () => {
  await using threads = new Threads();
  using pool = createPool();
  const { channel } = await threads.spawn(ECHO);
  assert.deepEqual(channel.peer, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  using body = pool.from('x'.repeat(3 * MiB));
  const answer = await channel.request({ head: 'there and back', body });
  assert.equal(answer.head, 'there and back');
  assert.ok(answer.body?.equals(body));
  answer.body?.release();
  const own = await channel.request({ head: { ask: 'own' } });
  assert.equal(own.body?.toString(), 'from the child');
  own.body?.release();
});

test("a thread's lease keeps a chunk from being recycled, until it releases or is terminated", async () => {
  await using threads = new Threads();
  using pool = createPool();
  const { channel, thread } = await threads.spawn(HOLDER);
  const first = pool.from('a'.repeat(MiB));
  await channel.request({ head: { ask: 'keep' }, body: first });
  first.release();
  pool.from('b'.repeat(MiB)).release();
  assert.equal(pool.stats().recycled, 0);
  assert.deepEqual((await channel.request({ head: { ask: 'read' } })).head, ['a'.repeat(20)]);
  await watchdog(thread.terminate(), 'the thread to end');
  const [third, fourth] = [pool.from('c'.repeat(MiB)), pool.from('d'.repeat(MiB))];
  assert.equal(pool.stats().recycled, 2);
  third.release();
  fourth.release();
});

test('terminate() at any time gives back descriptors, mappings and leases', async () => {
  using pool = createPool({ chunkSize: 64 * 1024 });
  const before = await baseline();
  for (let round = 0; round < 10; round++) {
    await using threads = new Threads();
    const { channel, thread } = await threads.spawn(CHURN);
    const closed = once(channel, 'close');
    let received = 0;
    const sending = (async () => {
      for (let i = 0; ; i++) {
        using body = pool.from(Buffer.alloc(1 + ((i * 50_021) % 500_000), i));
        await channel.send({ body });
      }
    })();
    sending.catch(() => {});
    const reading = (async () => {
      for await (const { body } of channel) {
        body?.release();
        received += 1;
        // Other points of its work each time; the thread goes on until it is stopped.
        if (received === 1 + 7 * round) void thread.terminate();
      }
    })();
    await assert.rejects(watchdog(reading, 'the thread to end'), { code: 'ERR_IOLITE_PEER' });
    await assert.rejects(watchdog(sending, 'sending to fail'), { code: 'ERR_IOLITE_PEER' });
    await closed;
  }
  pool.close();
  await holdingsReturnTo(before);
  assert.equal(pool.stats().chunks, 0);
});

test('a thread that never returns to its event loop is terminated like any other', async () => {
  const before = await baseline();
  await using threads = new Threads();
  const pool = createPool();
  const { channel, thread } = await threads.spawn(HOLDER);
  const body = pool.from('x'.repeat(MiB));
  await channel.request({ head: { ask: 'keep' }, body });
  body.release();
  const spinning = channel.request({ head: { ask: 'spin' } });
  spinning.catch(() => {});
  await watchdog(thread.terminate(), 'the thread to end');
  await assert.rejects(watchdog(spinning, 'the request to fail'), { code: 'ERR_IOLITE_PEER' });
  pool.from('y'.repeat(MiB)).release();
  assert.equal(pool.stats().recycled, 1);
  pool.close();
  await holdingsReturnTo(before);
});

test('terminate() and process.exit() never interrupt a call that would abort the process', async () => {
  const before = await baseline();
  for (let round = 0; round < 5; round++) {
    await using threads = new Threads();
    const count = new Int32Array(new SharedArrayBuffer(4));
    const { channel, thread } = await threads.spawn(MAPPER, [], { workerData: { count } });
    channel.request({}).catch(() => {});
    const working = (async () => {
      while (Atomics.load(count, 0) < 100) await setImmediate();
    })();
    await watchdog(working, 'the thread to work');
    await watchdog(thread.terminate(), 'the thread to end');
  }
  await holdingsReturnTo(before);
  await using program = new Program(new URL('../children/exiting.ts', import.meta.url));
  assert.equal(await program.line(), 'exiting');
  assert.deepEqual(await ended(program.process), { code: 7, signal: null });
});

test('terminate() of a thread gives back what threads of its own held', async () => {
  const before = await baseline();
  await using threads = new Threads();
  const pool = createPool();
  const { channel, thread } = await threads.spawn(NESTER);
  const body = pool.from('nested'.padEnd(MiB));
  assert.deepEqual((await channel.request({ head: { ask: 'keep' }, body })).head, ['nested'.padEnd(20)]);
  await channel.request({ head: { ask: 'fill', size: 5 } });
  body.release();
  pool.from('x'.repeat(MiB)).release();
  assert.equal(pool.stats().recycled, 0);
  await watchdog(thread.terminate(), 'the thread to end');
  pool.from('y'.repeat(MiB)).release();
  pool.from('y'.repeat(MiB)).release();
  pool.close();
  assert.ok(pool.stats().recycled > 0);
  await holdingsReturnTo(before);
});

test('a channel to a thread closes gracefully, and delivers what was sent', async () => {
  await using threads = new Threads();
  using pool = createPool();
  const { channel, thread } = await threads.spawn(ECHO);
  const exited = once(thread, 'exit');
  const received: string[] = [];
  const reading = (async () => {
    for await (const { body } of channel) {
      received.push(body?.toString() ?? '');
      body?.release();
    }
  })();
  for (let i = 0; i < 100; i++) {
    using body = pool.from(String(i));
    await channel.send({ body });
  }
  await channel.request({});
  await watchdog(channel.close(), 'the channel to close');
  await watchdog(reading, 'the messages to end');
  assert.deepEqual(await watchdog(exited, 'the thread to end'), [0]);
});

test('a thread that fails ends its channel, and not the process', async () => {
  await using threads = new Threads();
  const { channel, thread } = await threads.spawn(HOLDER);
  const failed = once(channel, 'close');
  const error = once(thread, 'error');
  await channel.request({ head: { ask: 'throw' } });
  assert.match(String((await error)[0]), /as asked/);
  assert.equal((await watchdog(failed, 'the channel to close'))[0]?.code, 'ERR_IOLITE_PEER');
});

test('spawnThread() rejects when the thread takes up no channel, and leaves nothing', async () => {
  const before = await baseline();
  const missing = new URL('../children/missing.ts', import.meta.url);
  await assert.rejects(watchdog(spawnThread(missing), 'the rejection'), {
    code: 'ERR_IOLITE_PEER',
    message: /before it took up its channel/,
  });
  const nothing = new URL('data:text/javascript,process.exit(3)');
  await assert.rejects(watchdog(spawnThread(nothing), 'the rejection'), {
    code: 'ERR_IOLITE_PEER',
    message: 'The thread ended with code 3 before it took up its channel',
  });
  await assert.rejects(spawnThread(undefined as never), { code: 'ERR_IOLITE_ARGUMENT' });
  const aborted = AbortSignal.abort(new Error('no longer'));
  await assert.rejects(spawnThread(HOLDER, [], { signal: aborted }), { message: 'no longer' });
  const controller = new AbortController();
  const idle = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  const waiting = spawnThread(idle, [], { signal: controller.signal });
  controller.abort(new Error('no longer'));
  await assert.rejects(watchdog(waiting, 'the rejection'), { message: 'no longer' });
  await holdingsReturnTo(before);
});
