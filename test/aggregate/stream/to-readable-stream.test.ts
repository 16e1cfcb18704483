import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import type { ReadableStream, ReadableStreamReadResult } from 'node:stream/web';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ByteSequence } from '../../../src/aggregate/byte-sequence.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { sliced, slicings } from '../../support/slicing.ts';
import { closeEmpty, describePool, eachPool } from '../../support/stream-pools.ts';

/** Reads all through a BYOB reader whose views have `size` bytes. */
async function readInto(stream: ReadableStream<Uint8Array>, size: number): Promise<Buffer> {
  const reader = stream.getReader({ mode: 'byob' });
  const parts: Buffer[] = [];
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(new ArrayBuffer(size + 2), 1, size));
    if (done) return Buffer.concat(parts);
    assert(value.length <= size && value.byteOffset === 1);
    parts.push(Buffer.from(value));
  }
}

for (const pool of eachPool()) {
  test(`toReadableStream() gives any bytes to any reader (${describePool(pool)})`, async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const sizes = fc.integer({ min: 1, max: 400 });
    const marks = fc.integer({ min: 0, max: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, slicings, sizes, marks, async (content, lengths, size, highWaterMark) => {
        const aggregate = sliced(pool, content, lengths);
        const plain = aggregate.toReadableStream({ highWaterMark });
        const byob = aggregate.toReadableStream({ highWaterMark });
        const copied = aggregate.toReadableStream();
        aggregate.release();
        assert.deepEqual(await buffer(plain), Buffer.from(content));
        assert.deepEqual(await readInto(byob, size), Buffer.from(content));
        const [one, other] = copied.tee();
        assert.deepEqual(await Promise.all([buffer(one), buffer(other)]), [
          Buffer.from(content),
          Buffer.from(content),
        ]);
      }),
      { numRuns: pool.chunks.kind === 'seal' ? 30 : 200 },
    );
    await closeEmpty(pool);
  });
}

test('toReadableStream() fills the view of a BYOB reader itself, and copies nothing ahead', async context => {
  const pool = createPool();
  const aggregate = pool.from('0123456789');
  const copyTo = context.mock.method(ByteSequence.prototype, 'copyTo');
  const reader = aggregate.toReadableStream().getReader({ mode: 'byob' });
  await setImmediate();
  assert.equal(copyTo.mock.callCount(), 0);
  const { value } = await reader.read(new Uint8Array(4));
  assert.equal(Buffer.from(value!).toString(), '0123');
  assert.equal(copyTo.mock.callCount(), 1);
  assert.equal(copyTo.mock.calls[0]?.result, 4);
  await reader.cancel();
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadableStream() runs at most highWaterMark ahead', async () => {
  const pool = createPool();
  const aggregate = pool.from(Buffer.alloc(10_000, 1));
  const reader = aggregate.toReadableStream({ highWaterMark: 1000 }).getReader();
  await setImmediate();
  const { value } = await reader.read();
  assert.equal(value?.length, 1000);
  await reader.cancel();
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadableStream() ends all BYOB reads that wait, whatever their views', async () => {
  const pool = createPool();
  const aggregate = pool.from('abcdef');
  const reader = aggregate.toReadableStream().getReader({ mode: 'byob' });
  const reads = [1, 2, 3].map(() => reader.read(new Uint16Array(2)));
  const results: ReadableStreamReadResult<Uint16Array>[] = await Promise.all(reads);
  const parts = results.map(({ value, done }) => [
    Buffer.from(value!.buffer).toString('latin1', 0, value!.byteLength),
    done,
  ]);
  assert.deepEqual(parts, [
    ['abcd', false],
    ['ef', false],
    ['', true],
  ]);
  // Five bytes do not come out even: the standard has such a read fail.
  const odd = pool.from('abcde');
  const failing = odd.toReadableStream().getReader({ mode: 'byob' });
  await failing.read(new Uint16Array(2));
  await assert.rejects(failing.read(new Uint16Array(2)), TypeError);
  odd.release();
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadableStream() gives its buffers back when cancelled or aborted', async () => {
  const pool = createPool();
  const aggregate = pool.from(Buffer.alloc(300_000));
  await aggregate.toReadableStream().cancel();
  const reason = new Error('enough');
  const aborted = aggregate.toReadableStream({ signal: AbortSignal.abort(reason) });
  await assert.rejects(buffer(aborted), reason);
  const controller = new AbortController();
  const reader = aggregate.toReadableStream({ signal: controller.signal }).getReader();
  await reader.read();
  controller.abort(reason);
  await assert.rejects(reader.read(), reason);
  for await (const _ of aggregate.toReadableStream()) break;
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadableStream() is a body: of Response, and of pipeTo', async () => {
  const pool = createPool();
  const aggregate = sliced(pool, Buffer.from('é€😀'.repeat(100)), [1]);
  const response = new Response(aggregate.toReadableStream());
  assert.equal(await response.text(), 'é€😀'.repeat(100));
  let size = 0;
  await aggregate.toReadableStream().pipeTo(
    new WritableStream({
      write: piece => {
        size += piece.length;
      },
    }),
  );
  assert.equal(size, aggregate.length);
  aggregate.release();
  await closeEmpty(pool);
});

test('toReadableStream() refuses bad options and released aggregates', async () => {
  const pool = createPool();
  const aggregate = pool.from('x');
  const call = (options: unknown): unknown => aggregate.toReadableStream(options as object);
  assert.throws(() => call(7), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => call({ highWaterMark: -1 }), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => call({ signal: 'no' }), { code: 'ERR_IOLITE_ARGUMENT' });
  aggregate.release();
  assert.throws(() => aggregate.toReadableStream(), { code: 'ERR_IOLITE_RELEASED' });
  await closeEmpty(pool);
});
