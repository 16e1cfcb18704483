import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished, pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { createPool } from '../../../src/aggregate/pool.ts';
import { sliced, slicings } from '../../support/slicing.ts';
import { closeEmpty, describePool, eachPool } from '../../support/stream-pools.ts';
import { watchdog } from '../../support/watchdog.ts';

for (const pool of eachPool()) {
  test(`toReadable() gives any bytes over any borders (${describePool(pool)})`, async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const marks = fc.integer({ min: 1, max: 400 });
    await fc.assert(
      fc.asyncProperty(bytes, slicings, marks, async (content, lengths, highWaterMark) => {
        const aggregate = sliced(pool, content, lengths);
        const stream = aggregate.toReadable({ highWaterMark });
        aggregate.release();
        assert.deepEqual(await buffer(stream), Buffer.from(content));
      }),
      { numRuns: pool.chunks.kind === 'seal' ? 30 : 300 },
    );
    await closeEmpty(pool);
  });
}

test('toReadable() shows the bytes as they were at the call', async () => {
  const pool = createPool();
  const aggregate = pool.from('before');
  const stream = aggregate.toReadable();
  aggregate.write(0, 'AFTER!').append('more');
  assert.equal((await buffer(stream)).toString(), 'before');
  aggregate.release();
  await closeEmpty(pool);
});

test('what toReadable() has emitted stays as it is when the memory of the pool is refilled', async () => {
  const pool = createPool({ limit: 32 * 1024, chunkSize: 32 * 1024 });
  const aggregate = pool.from(Buffer.alloc(20_000, 1));
  const stream = aggregate.toReadable({ highWaterMark: 7000 });
  aggregate.release();
  const parts: Buffer[] = [];
  for await (const piece of stream) parts.push((piece as Buffer).subarray(1));
  for (let i = 0; i < 3; i++) pool.from(Buffer.alloc(20_000, 2)).release();
  assert(pool.stats().recycled > 0);
  assert(parts.every(part => part.every(byte => byte === 1)));
  await closeEmpty(pool);
});

test('toReadable() copies no more than highWaterMark ahead, whatever is read at once', async () => {
  const pool = createPool();
  const highWaterMark = 1000;
  const aggregate = pool.from(Buffer.alloc(20_000, 5));
  for (const size of [1, 7, 300, 999, 1000]) {
    const stream = aggregate.toReadable({ highWaterMark });
    let read = 0;
    let ahead = 0;
    while (!stream.readableEnded && read < 5000) {
      const piece: Buffer | null = stream.read(size);
      if (piece === null) await watchdog(once(stream, 'readable'), 'the next bytes');
      else read += piece.length;
      await setImmediate();
      ahead = Math.max(ahead, stream.readableLength);
    }
    assert(ahead > 0 && ahead <= highWaterMark, `${ahead} bytes ahead after reads of ${size}`);
    stream.destroy();
    await watchdog(once(stream, 'close'), 'the stream to close');
  }
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadable() into a slow writable: nothing is lost, no more is read than both hold', async () => {
  const pool = createPool();
  const content = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
  const aggregate = sliced(pool, content, [333]);
  const stream = aggregate.toReadable({ highWaterMark: 512 });
  const taken: Buffer[] = [];
  let most = 0;
  const slow = new Writable({
    highWaterMark: 512,
    write(piece: Buffer, _encoding, done) {
      most = Math.max(most, stream.readableLength);
      taken.push(piece);
      globalThis.setImmediate(done);
    },
  });
  await watchdog(pipeline(stream, slow), 'the pipeline');
  assert.deepEqual(Buffer.concat(taken), content);
  assert(most <= 512, `${most} bytes were ahead`);
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadable() gives its buffers back when destroyed, before and while it is read', async () => {
  const pool = createPool();
  const aggregate = pool.from(Buffer.alloc(300_000));
  const unread = aggregate.toReadable();
  unread.destroy();
  const begun = aggregate.toReadable();
  await once(begun, 'readable');
  const failed = once(begun, 'error');
  begun.destroy(new Error('enough'));
  assert.equal((await failed)[0].message, 'enough');
  for await (const _ of aggregate.toReadable()) break;
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadable() ends with an AbortError when its signal aborts, before or while it is read', async () => {
  const pool = createPool();
  const aggregate = pool.from(Buffer.alloc(300_000));
  const aborted = aggregate.toReadable({ signal: AbortSignal.abort() });
  await assert.rejects(finished(aborted), { name: 'AbortError' });
  const controller = new AbortController();
  const stream = aggregate.toReadable({ signal: controller.signal });
  await once(stream, 'readable');
  controller.abort();
  await assert.rejects(buffer(stream), { name: 'AbortError' });
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadable() of nothing ends at once; text can be decoded over its borders', async () => {
  const pool = createPool();
  const empty = pool.from('');
  assert.equal((await buffer(empty.toReadable())).length, 0);
  empty.release();
  const text = 'é€😀'.repeat(50);
  const aggregate = sliced(pool, Buffer.from(text), [1]);
  const stream = aggregate.toReadable({ highWaterMark: 5 }).setEncoding('utf8');
  assert.equal((await stream.toArray()).join(''), text);
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadable() refuses bad options and released aggregates, and holds nothing then', async () => {
  const pool = createPool();
  const aggregate = pool.from('x');
  const call = (options: unknown): Readable => aggregate.toReadable(options as object);
  assert.throws(() => call(null), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => call({ highWaterMark: 1.5 }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => call({ highWaterMark: 0 }), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => call({ signal: {} }), { code: 'ERR_IOLITE_ARGUMENT' });
  aggregate.release();
  assert.throws(() => aggregate.toReadable(), { code: 'ERR_IOLITE_RELEASED' });
  await closeEmpty(pool);
});
