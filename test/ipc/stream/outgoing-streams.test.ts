import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import type { IncomingStream } from '../../../src/ipc/stream/incoming-stream.ts';
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_PIECES } from '../../../src/ipc/wire/frame.ts';
import type { SharedChunk } from '../../../src/memory/shared-chunk.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { ended, Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';

const READER = new URL('../children/stream-reader.ts', import.meta.url);
const MiB = 1024 ** 2;

/** The stream of the next message. */
async function arrival(channel: Channel): Promise<IncomingStream> {
  const { value } = await watchdog(channel[Symbol.asyncIterator]().next(), 'a stream');
  assert(value?.stream !== undefined);
  return value.stream;
}

async function collect(stream: AsyncIterable<Aggregate>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of stream) {
    parts.push(piece.toBuffer());
    piece.release();
  }
  return Buffer.concat(parts);
}

/** Turns of the event loop: many more than anything that is to be ruled out would need. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await setImmediate();
}

/** Runs a test with both ends of a channel and a pool, and sees that nothing is left. */
async function withPair(
  body: (pair: ChannelPair, pool: ReturnType<typeof createPool>) => Promise<void>,
): Promise<void> {
  // The pool that streams take when they are given none stays.
  {
    using pair = new ChannelPair();
    await Promise.all([pair.near.sendStream(['x']), arrival(pair.far).then(collect)]);
  }
  const before = await settledHoldings();
  const pool = createPool();
  {
    using pair = new ChannelPair();
    await Promise.all([pair.near.ready(), pair.far.ready()]);
    await body(pair, pool);
  }
  assert.equal(pool.stats().leaked, 0);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
  await holdingsReturnTo(before);
}

test('sendStream() carries every kind of source, in order', async () => {
  using folder = new Folder();
  const bytes = randomBytes(3 * MiB + 17);
  const path = folder.file('file');
  writeFileSync(path, bytes);
  const handle = await open(path);
  await withPair(async ({ near, far }, pool) => {
    const cut = (size: number): Buffer[] =>
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
    const sources = [
      createReadStream(path),
      handle,
      Readable.from(cut(10_000)),
      Readable.toWeb(Readable.from(cut(100_000))) as ReadableStream<Uint8Array>,
      cut(4 * MiB),
      (async function* () {
        for (const each of cut(300_000)) yield pool.from(each);
      })(),
      ['', bytes, ''],
    ];
    for (const [i, source] of sources.entries()) {
      const sending = near.sendStream(source, { head: i, pool });
      const received = await watchdog(collect(await arrival(far)), `the end of source ${i}`);
      assert.ok(received.equals(bytes), `source ${i}: ${received.length} bytes`);
      await watchdog(sending, `source ${i} to be acknowledged`);
    }
  });
  await handle.close();
});

test('a stream of nothing ends, and one of text is UTF-8', async () => {
  await withPair(async ({ near, far }, pool) => {
    for (const source of [[], ['', Buffer.alloc(0), pool.from('')], ['grün', 'e Äpfel']]) {
      const sending = near.sendStream(source as string[], { pool });
      const expected = source.filter(each => typeof each === 'string').join('');
      assert.equal((await collect(await arrival(far))).toString(), expected);
      await sending;
    }
  });
});

test('aggregates are handed on by reference, not copied', async () => {
  await withPair(async ({ near, far }, pool) => {
    const whole = pool.from(randomBytes(2 * MiB));
    const { allocated } = pool.stats();
    const sending = near.sendStream([whole.slice(0, 1000), whole.slice(5000)], { pool });
    const stream = await arrival(far);
    for (const [start, end] of [
      [0, 1000],
      [5000, 2 * MiB],
    ]) {
      const { value } = await stream.next();
      assert(value !== undefined);
      const [slice] = value.slices();
      const [original] = whole.slices();
      assert.equal(slice?.id.chunk, original?.id.chunk);
      assert.equal(slice?.id.offset, (original?.id.offset ?? 0) + (start ?? 0));
      assert.equal(value.length, (end ?? 0) - (start ?? 0));
      value.release();
    }
    assert.equal((await stream.next()).done, true);
    await sending;
    assert.equal(pool.stats().allocated, allocated);
    whole.release();
  });
});

test('the reader bounds what the source is asked for', async () => {
  for (const size of [10, 100_000, 5 * MiB]) {
    await withPair(async ({ near, far }, pool) => {
      let asked = 0;
      const source = (async function* () {
        for (; asked < 1000; asked++) yield Buffer.alloc(size);
      })();
      const sending = near.sendStream(source, { pool });
      const stream = await arrival(far);
      await manyTurns();
      const most = Math.min(STREAM_WINDOW_PIECES, Math.ceil(STREAM_WINDOW_BYTES / Math.min(size, MiB)));
      // Pieces of more than 1 MiB are cut.
      const bound = Math.ceil((most * Math.min(size, MiB)) / size);
      assert.ok(asked >= bound - 1 && asked <= bound, `${asked} of ${size} bytes were asked for`);
      (await stream.next()).value?.release();
      await manyTurns();
      assert.ok(asked <= bound + 1);
      stream.cancel();
      await assert.rejects(watchdog(sending, 'the end'), { code: 'ERR_IOLITE_CLOSED' });
    });
  }
});

test('streams that nobody reads hold up neither others nor messages', async () => {
  await withPair(async ({ near, far }, pool) => {
    const endless = function* () {
      for (;;) yield Buffer.alloc(50_000);
    };
    const unread = Array.from({ length: 8 }, () => near.sendStream(endless(), { pool }));
    const streams: IncomingStream[] = [];
    for (let i = 0; i < 8; i++) streams.push(await arrival(far));
    await manyTurns();
    const bytes = randomBytes(20 * MiB);
    const sending = near.sendStream([bytes], { pool });
    assert.ok((await watchdog(collect(await arrival(far)), 'the ninth stream')).equals(bytes));
    await sending;
    far.onRequest(() => ({ head: 'answer' }));
    assert.equal((await watchdog(near.request({}), 'an answer')).head, 'answer');
    for (const stream of streams) stream.cancel();
    for (const each of unread) await assert.rejects(each, { code: 'ERR_IOLITE_CLOSED' });
  });
});

test('a pool that is full for a while slows a stream down, and one that stays full fails it', async () => {
  await withPair(async ({ near, far }) => {
    using pool = createPool({ limit: 2 * MiB + 8192 });
    const bytes = randomBytes(30 * MiB);
    const sending = near.sendStream([bytes], { pool });
    assert.ok((await watchdog(collect(await arrival(far)), 'the end')).equals(bytes));
    await sending;
    using held = pool.from('x'.repeat(1.5 * MiB));
    const failing = near.sendStream([bytes], { pool });
    failing.catch(() => {});
    await assert.rejects(watchdog(collect(await arrival(far)), 'the error'), { code: 'ERR_IOLITE_LIMIT' });
    await assert.rejects(failing, { code: 'ERR_IOLITE_LIMIT' });
    assert.equal(held.length, 1.5 * MiB);
  });
});

test('an error of the source reaches the reader with its code, and the source is ended', async () => {
  await withPair(async ({ near, far }, pool) => {
    let closed = false;
    const source = (async function* () {
      try {
        yield 'some';
        throw Object.assign(new Error('no more'), { code: 'E_MINE' });
      } finally {
        closed = true;
      }
    })();
    const sending = near.sendStream(source, { pool });
    sending.catch(() => {});
    const stream = await arrival(far);
    const reading = collect(stream);
    await assert.rejects(watchdog(reading, 'the error'), { code: 'E_MINE', message: 'no more' });
    await assert.rejects(sending, { code: 'E_MINE' });
    await assert.rejects(stream.next(), { code: 'E_MINE' });
    assert.ok(closed);
  });
});

test('a file that does not exist fails the stream at both ends', async () => {
  await withPair(async ({ near, far }, pool) => {
    const sending = near.sendStream(createReadStream('/nonexistent'), { pool });
    sending.catch(() => {});
    await assert.rejects(collect(await arrival(far)), { code: 'ENOENT' });
    await assert.rejects(sending, { code: 'ENOENT' });
  });
});

test('to break off reading ends the source, and the sender learns why', async () => {
  await withPair(async ({ near, far }, pool) => {
    const ways: [(stream: IncomingStream) => Promise<void> | void, string][] = [
      [async stream => void (await stream.return()), 'ERR_IOLITE_CLOSED'],
      [stream => stream.cancel(Object.assign(new Error('enough'), { code: 'E_ENOUGH' })), 'E_ENOUGH'],
      [stream => void stream.toReadable().resume().destroy(), 'ERR_IOLITE_CLOSED'],
      [stream => stream[Symbol.asyncDispose](), 'ERR_IOLITE_CLOSED'],
      [
        async stream => {
          for await (const piece of stream) {
            piece.release();
            break;
          }
        },
        'ERR_IOLITE_CLOSED',
      ],
    ];
    for (const [breakOff, code] of ways) {
      const source = new Readable({ read: () => {} });
      source.push('begin');
      const sending = near.sendStream(source, { pool });
      await breakOff(await arrival(far));
      await assert.rejects(watchdog(sending, 'the sender to learn'), { code });
      assert.ok(source.destroyed);
    }
  });
});

test('what was not read is given back at once when a stream is cancelled', async () => {
  await withPair(async ({ near, far }, pool) => {
    using whole = pool.from('x'.repeat(MiB));
    const chunk = whole.slices()[0]?.lease.chunk as SharedChunk;
    const sending = near.sendStream([whole.slice(0, 10), whole.slice(10)], { pool });
    const stream = await arrival(far);
    while (!chunk.isLeasedElsewhere()) await setImmediate();
    await manyTurns();
    stream.cancel();
    await assert.rejects(sending, { code: 'ERR_IOLITE_CLOSED' });
    // A kernel lock outlives its use by some milliseconds.
    for (let turn = 0; turn < 100_000 && chunk.isLeasedElsewhere(); turn++) await setImmediate();
    assert.equal(chunk.isLeasedElsewhere(), false);
  });
});

test('an abort of the sender reaches the reader, whenever it comes', async () => {
  await withPair(async ({ near, far }, pool) => {
    const reason = Object.assign(new Error('stop it'), { code: 'E_STOP' });
    await assert.rejects(near.sendStream(['x'], { pool, signal: AbortSignal.abort(reason) }), reason);
    for (const step of ['at once', 'when it is there', 'when a piece is there']) {
      const controller = new AbortController();
      const source = new Readable({ read: () => {} });
      source.push('begin');
      const sending = near.sendStream(source, { pool, signal: controller.signal });
      sending.catch(() => {});
      if (step === 'at once') controller.abort(reason);
      const stream = await arrival(far);
      if (step === 'when a piece is there') (await stream.next()).value?.release();
      controller.abort(reason);
      await assert.rejects(watchdog(sending, 'the rejection'), reason);
      await assert.rejects(watchdog(collect(stream), 'the rejection'), { code: 'E_STOP' });
      assert.ok(source.destroyed);
    }
  });
});

test('a stream that waits for its turn can be aborted, and the peer never hears of it', async () => {
  await withPair(async ({ near, far }, pool) => {
    for (let i = 0; i < 1024; i++) await near.send({ head: i });
    const controller = new AbortController();
    const sending = near.sendStream(['x'], { pool, signal: controller.signal });
    controller.abort(new Error('too long'));
    await assert.rejects(sending, { message: 'too long' });
    const messages = far[Symbol.asyncIterator]();
    for (let i = 0; i < 1024; i++) assert.equal((await messages.next()).value?.head, i);
    await near.send({ head: 'last' });
    assert.equal((await watchdog(messages.next(), 'the last')).value?.head, 'last');
  });
});

test('bad arguments are refused, and the channel goes on', async () => {
  await withPair(async ({ near, far }, pool) => {
    using heap = createPool({ memory: 'heap' });
    using others = createPool({ acl: { uids: [4_000_000], pids: [] } });
    const refused: [unknown, unknown, string][] = [
      [['x'], null, 'ERR_IOLITE_ARGUMENT'],
      [['x'], { pool: {} }, 'ERR_IOLITE_ARGUMENT'],
      [['x'], { signal: 1 }, 'ERR_IOLITE_ARGUMENT'],
      [['x'], { head: () => 1 }, 'ERR_IOLITE_ARGUMENT'],
    ];
    for (const [source, options, code] of refused) {
      await assert.rejects(near.sendStream(source as string[], options as object), { code });
    }
    const failing: [unknown, object, string][] = [
      [5, { pool }, 'ERR_IOLITE_ARGUMENT'],
      ['text', { pool }, 'ERR_IOLITE_ARGUMENT'],
      [[5], { pool }, 'ERR_IOLITE_ARGUMENT'],
      [['x'], { pool: heap }, 'ERR_IOLITE_UNSUPPORTED'],
    ];
    for (const [source, options, code] of failing) {
      const sending = near.sendStream(source as string[], options);
      sending.catch(() => {});
      await assert.rejects(collect(await arrival(far)), { code });
      await assert.rejects(sending, { code });
    }
    assert.equal(others.stats().chunks, 0);
  });
});

test('toReadable() gives the bytes, and reads no further ahead than it is read', async () => {
  await withPair(async ({ near, far }, pool) => {
    const sending = near.sendStream(['some', ' text'], { pool });
    assert.equal(await text((await arrival(far)).toReadable()), 'some text');
    await sending;
  });
});

test('close() of the sender delivers its streams first; of the reader ends them', async () => {
  await withPair(async ({ near, far }, pool) => {
    const bytes = randomBytes(10 * MiB);
    const sending = near.sendStream([bytes], { pool });
    const closing = near.close();
    assert.ok((await collect(await arrival(far))).equals(bytes));
    await watchdog(sending, 'the stream to end');
    await watchdog(Promise.all([closing, far.close()]), 'the channel to close');
    await assert.rejects(near.sendStream(['x']), { code: 'ERR_IOLITE_CLOSED' });
  });
  await withPair(async ({ near, far }, pool) => {
    const sending = near.sendStream([randomBytes(10 * MiB)], { pool });
    const stream = await arrival(far);
    const closing = far.close();
    await assert.rejects(watchdog(sending, 'the rejection'), { code: 'ERR_IOLITE_CLOSED' });
    await assert.rejects(stream.next(), { code: 'ERR_IOLITE_CLOSED' });
    await watchdog(Promise.all([closing, near.close()]), 'the channel to close');
  });
});

test('the end of the channel fails streams at both ends, read or not', async () => {
  await withPair(async ({ near, far }, pool) => {
    const source = new Readable({ read: () => {} });
    source.push('begin');
    const sending = near.sendStream(source, { pool });
    sending.catch(() => {});
    const stream = await arrival(far);
    const waiting = (async () => {
      for await (const piece of stream) piece.release();
    })();
    waiting.catch(() => {});
    far.destroy();
    await assert.rejects(watchdog(sending, 'the rejection'), { code: 'ERR_IOLITE_PEER' });
    await assert.rejects(watchdog(waiting, 'the rejection'), { code: 'ERR_IOLITE_CLOSED' });
    assert.ok(source.destroyed);
  });
});

test('a process reads several streams at once, and may be killed in the middle', async () => {
  const before = await settledHoldings();
  const pool = createPool({ name: 'mine' });
  {
    await using family = new Family();
    const { channel, process } = await family.fork(READER);
    const contents = Array.from({ length: 5 }, (_, i) => randomBytes(3 * MiB + i));
    await watchdog(
      Promise.all(
        contents.map((bytes, i) =>
          channel.sendStream(Readable.from([bytes]), { head: { name: `${i}` }, pool }),
        ),
      ),
      'five streams',
    );
    for (const [i, bytes] of contents.entries()) {
      const { head } = await channel.request({ head: { ask: 'digest', name: `${i}` } });
      assert.equal(head, createHash('sha256').update(bytes).digest('hex'));
    }
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(10_000));
      },
    });
    const unread = channel.sendStream(endless, { head: { name: 'kept', keep: true }, pool });
    unread.catch(() => {});
    await channel.request({ head: { ask: 'nothing' } });
    const closed = once(channel, 'close');
    await ended(process, 'SIGKILL');
    await assert.rejects(watchdog(unread, 'the rejection'), { code: 'ERR_IOLITE_PEER' });
    assert.ok(endless.destroyed);
    await closed;
  }
  pool.close();
  assert.equal(pool.stats().chunks, 0);
  await holdingsReturnTo(before);
});
