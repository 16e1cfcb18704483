import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { createGunzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { AggregateWritable, type AggregateWritableOptions } from '../../src/aggregate/aggregate-writable.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { closeEmpty, describePool, eachPool } from '../support/stream-pools.ts';

for (const pool of eachPool()) {
  test(`AggregateWritable collects what is written (${describePool(pool)})`, async () => {
    const encodings = fc.constantFrom('utf8', 'latin1', 'hex', 'base64', 'utf16le');
    const text = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), encodings);
    const bytes = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.constant('utf8'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(text, bytes), { maxLength: 30 }), async writes => {
        const writable = new AggregateWritable({ pool });
        const wanted: Buffer[] = [];
        for (const [content, encoding] of writes) {
          writable.write(content, encoding as BufferEncoding);
          wanted.push(Buffer.from(content as string, encoding as BufferEncoding));
        }
        writable.end();
        const aggregate = await writable.aggregate();
        assert(aggregate.equals(Buffer.concat(wanted)));
        assert.equal(writable.bytesWritten, aggregate.length);
        aggregate.release();
      }),
      { numRuns: pool.chunks.kind === 'seal' ? 30 : 200 },
    );
    await closeEmpty(pool);
  });
}

test('AggregateWritable at the end of a pipeline, packed; and as a WHATWG stream', async () => {
  const pool = createPool();
  const text = 'iolite '.repeat(100_000);
  const writable = new AggregateWritable({ pool });
  await pipeline(Readable.from([gzipSync(text)]), createGunzip(), writable);
  const aggregate = await writable.aggregate();
  assert(aggregate.equals(text));
  assert(aggregate.slices().length < 10, `${aggregate.slices().length} slices`);
  const other = new AggregateWritable({ pool });
  await aggregate.toReadableStream().pipeTo(Writable.toWeb(other));
  const copy = await other.aggregate();
  assert(copy.equals(aggregate));
  for (const each of [aggregate, copy]) each.release();
  await closeEmpty(pool);
});

test('AggregateWritable gives back what it has when destroyed', async () => {
  const pool = createPool();
  const writable = new AggregateWritable({ pool });
  writable.write('some');
  const waiting = assert.rejects(writable.aggregate(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  writable.destroy();
  await waiting;
  const failed = new AggregateWritable({ pool });
  failed.write('some');
  const failing = Readable.from(
    (async function* () {
      yield 'more';
      throw new Error('the source broke');
    })(),
  );
  await assert.rejects(pipeline(failing, failed), { message: 'the source broke' });
  await assert.rejects(failed.aggregate(), { message: 'the source broke' });
  await closeEmpty(pool);
});

test('AggregateWritable is destroyed by bytes beyond its limit, a full pool, and its signal', async () => {
  const pool = createPool({ limit: 64 * 1024, chunkSize: 16 * 1024 });
  const limited = new AggregateWritable({ pool, limit: 5 });
  limited.write('12345');
  const exceeded = once(limited, 'error');
  limited.write('6');
  assert.equal((await exceeded)[0].code, 'ERR_IOLITE_LIMIT');
  await assert.rejects(limited.aggregate(), { code: 'ERR_IOLITE_LIMIT' });
  const large = new AggregateWritable({ pool });
  const full = once(large, 'error');
  for (let i = 0; i < 10; i++) large.write(Buffer.alloc(10_000));
  assert.equal((await full)[0].code, 'ERR_IOLITE_LIMIT');
  const controller = new AbortController();
  const aborted = new AggregateWritable({ pool, signal: controller.signal });
  aborted.write('some');
  const waiting = assert.rejects(aborted.aggregate(), { name: 'AbortError' });
  controller.abort();
  await waiting;
  await closeEmpty(pool);
});

test('AggregateWritable gives its aggregate once', async () => {
  const pool = createPool();
  const writable = new AggregateWritable({ pool });
  writable.end('all');
  const aggregate = await writable.aggregate();
  await assert.rejects(writable.aggregate(), { code: 'ERR_IOLITE_RELEASED' });
  writable.destroy();
  assert.equal(aggregate.toString(), 'all');
  aggregate.release();
  await closeEmpty(pool);
});

test('AggregateWritable refuses bad options', async () => {
  const pool = createPool();
  for (const options of [undefined, {}, { pool: 1 }, { pool, signal: 1 }, { pool, highWaterMark: 'x' }]) {
    assert.throws(() => new AggregateWritable(options as AggregateWritableOptions), {
      code: 'ERR_IOLITE_ARGUMENT',
    });
  }
  assert.throws(() => new AggregateWritable({ pool, limit: -1 }), { code: 'ERR_IOLITE_RANGE' });
  await closeEmpty(pool);
});
