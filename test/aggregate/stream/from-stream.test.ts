import assert from 'node:assert/strict';
import { PassThrough, Readable, Writable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { StreamLike } from '../../../src/aggregate/stream/from-stream.ts';
import { sliced, slicings } from '../../support/slicing.ts';
import { closeEmpty, describePool, eachPool } from '../../support/stream-pools.ts';
import { watchdog } from '../../support/watchdog.ts';

/** The same pieces in every kind of stream. */
function streamsOf(pieces: readonly (Uint8Array | string)[]): Record<string, StreamLike> {
  const bytes = pieces.map(piece => new Uint8Array(Buffer.from(piece as string)));
  return {
    array: pieces,
    generator: (function* () {
      yield* pieces;
    })(),
    asyncGenerator: (async function* () {
      yield* pieces;
    })(),
    objects: Readable.from(pieces),
    readable: Readable.from(pieces, { objectMode: false, highWaterMark: 64 }),
    decoded: Readable.from(pieces.filter(piece => piece.length > 0)).setEncoding('latin1'),
    web: new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    }),
    webBytes: new ReadableStream({
      type: 'bytes',
      start(controller) {
        for (const piece of bytes) if (piece.length > 0) controller.enqueue(piece.slice());
        controller.close();
      },
    }),
    webPulled: new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const { byobRequest } = controller;
        const next = bytes.find(piece => piece.length > 0);
        if (next === undefined) {
          controller.close();
          byobRequest?.respond(0);
          return;
        }
        const view = byobRequest?.view as Uint8Array;
        const count = Math.min(view.length, next.length);
        view.set(next.subarray(0, count));
        bytes[bytes.indexOf(next)] = next.subarray(count);
        byobRequest?.respond(count);
      },
    }),
  };
}

for (const pool of eachPool()) {
  test(`fromStream() collects any pieces from any stream (${describePool(pool)})`, async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\n') }),
    );
    const large = fc.integer({ min: 1, max: 300_000 }).map(size => Buffer.alloc(size, size));
    const pieces = fc.array(fc.oneof({ arbitrary: piece, weight: 20 }, large), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(pieces, async given => {
        const wanted = Buffer.concat(given.map(each => Buffer.from(each as string)));
        for (const [name, stream] of Object.entries(streamsOf(given))) {
          // latin1 in strings is encoded as utf8 again: the same for ASCII only.
          if (name === 'decoded' && wanted.some(byte => byte > 127)) continue;
          const aggregate = await Aggregate.fromStream(stream, { pool, limit: wanted.length });
          assert(aggregate.equals(wanted), name);
          aggregate.release();
        }
      }),
      { numRuns: pool.chunks.kind === 'seal' ? 10 : 60 },
    );
    await closeEmpty(pool);
  });
}

test('fromStream() takes what toReadable() and toReadableStream() give', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), slicings, async (content, lengths) => {
      const pool = createPool({ memory: 'heap' });
      const aggregate = sliced(pool, content, lengths);
      const node = await Aggregate.fromStream(aggregate.toReadable({ highWaterMark: 9 }), { pool });
      const web = await Aggregate.fromStream(aggregate.toReadableStream(), { pool });
      assert(node.equals(content) && web.equals(content));
      for (const each of [aggregate, node, web]) each.release();
      await closeEmpty(pool);
    }),
    { numRuns: 200 },
  );
});

test('fromStream() packs small pieces, and makes no slice for each', async () => {
  const pool = createPool();
  const pieces = Array.from({ length: 10_000 }, (_, i) => `${i},`);
  const aggregate = await Aggregate.fromStream(pieces, { pool });
  assert.equal(aggregate.toString(), pieces.join(''));
  assert(aggregate.slices().length < 10, `${aggregate.slices().length} slices`);
  const sealing = createPool({ kind: 'seal' });
  const sealed = await Aggregate.fromStream(pieces, { pool: sealing });
  assert(sealed.slices().length < 10, `${sealed.slices().length} slices`);
  for (const each of [aggregate, sealed]) each.release();
  await closeEmpty(pool);
  await closeEmpty(sealing);
});

test('fromStream() shares the slices of aggregates in the stream, and releases these', async () => {
  const pool = createPool();
  const given = ['one ', 'two ', 'three'].map(text => pool.from(text));
  const ids = given.map(each => each.slices()[0]?.id);
  const aggregate = await Aggregate.fromStream([given[0]!, '(', given[1]!, ')', given[2]!], { pool });
  assert.equal(aggregate.toString(), 'one (two )three');
  assert(given.every(each => each.released));
  assert.deepEqual(
    [0, 2, 4].map(index => aggregate.slices()[index]?.id),
    ids,
  );
  aggregate.release();
  await closeEmpty(pool);
});

test('fromStream() passes on what a source fails with, and gives back what it had', async () => {
  const pool = createPool();
  const failure = new Error('the source broke');
  const readable = new PassThrough();
  readable.write('some');
  const sources: Record<string, StreamLike> = {
    readable,
    generator: (function* () {
      yield 'some';
      throw failure;
    })(),
    asyncGenerator: (async function* () {
      yield 'some';
      throw failure;
    })(),
    web: new ReadableStream({
      start: controller => controller.enqueue('some'),
      pull: () => Promise.reject(failure),
    }),
    webBytes: new ReadableStream({
      type: 'bytes',
      start: controller => controller.enqueue(new TextEncoder().encode('some')),
      pull: () => Promise.reject(failure),
    }),
  };
  setImmediate(() => readable.destroy(failure));
  for (const [name, source] of Object.entries(sources)) {
    await assert.rejects(Aggregate.fromStream(source, { pool }), failure, name);
  }
  assert(readable.destroyed);
  await closeEmpty(pool);
});

test('fromStream() ends a source whose content it refuses', async () => {
  const pool = createPool();
  const wrong = [7, null, {}, [1], Symbol('s')];
  for (const item of wrong) {
    let closed = 0;
    const generator = (function* () {
      try {
        yield 'good';
        yield item as string;
      } finally {
        closed += 1;
      }
    })();
    let reason: unknown;
    const web = new ReadableStream({
      start: controller => {
        controller.enqueue('good');
        controller.enqueue(item);
      },
      cancel: why => {
        reason = why;
      },
    });
    await assert.rejects(Aggregate.fromStream(generator, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
    await assert.rejects(Aggregate.fromStream(web, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
    assert.equal(closed, 1);
    assert.equal((reason as { code?: string }).code, 'ERR_IOLITE_ARGUMENT');
    if (item === null) continue;
    const objects = new Readable({ objectMode: true, read() {} });
    objects.push('good');
    objects.push(item);
    await assert.rejects(Aggregate.fromStream(objects, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
    assert(objects.destroyed);
  }
  await closeEmpty(pool);
});

test('fromStream() takes limit bytes and not one more', async () => {
  const pool = createPool();
  const pieces = ['12345', Buffer.from('678'), '90'];
  for (const [name, stream] of Object.entries(streamsOf(pieces))) {
    await assert.rejects(
      Aggregate.fromStream(stream, { pool, limit: 9 }),
      { code: 'ERR_IOLITE_LIMIT', message: 'Cannot collect 10 bytes: 9 are the most' },
      name,
    );
  }
  const aggregate = await Aggregate.fromStream(pieces, { pool, limit: 10 });
  const refused = aggregate.duplicate();
  await assert.rejects(Aggregate.fromStream([refused], { pool, limit: 9 }), { code: 'ERR_IOLITE_LIMIT' });
  assert(refused.released);
  aggregate.release();
  await closeEmpty(pool);
});

test('fromStream() fails with what the pool says, and the source is ended', async () => {
  const pool = createPool({ limit: 64 * 1024, chunkSize: 16 * 1024 });
  const source = Readable.from([Buffer.alloc(40_000), Buffer.alloc(40_000)]);
  await assert.rejects(Aggregate.fromStream(source, { pool }), { code: 'ERR_IOLITE_LIMIT' });
  assert(source.destroyed);
  pool.close();
  await assert.rejects(Aggregate.fromStream(['x'], { pool }), { code: 'ERR_IOLITE_CLOSED' });
  await closeEmpty(pool);
});

test('fromStream() ends with the reason of its signal while it waits, whatever it waits for', async () => {
  const pool = createPool();
  const reason = new Error('enough');
  const silent = new PassThrough();
  silent.write('some');
  let cancelled: unknown;
  const sources: Record<string, () => StreamLike> = {
    readable: () => silent,
    generator: () =>
      (async function* () {
        yield 'some';
        await new Promise(() => {});
      })(),
    web: () =>
      new ReadableStream({
        start: controller => controller.enqueue('some'),
        cancel: why => {
          cancelled = why;
        },
      }),
    webBytes: () =>
      new ReadableStream({ type: 'bytes', start: c => c.enqueue(new TextEncoder().encode('some')) }),
  };
  for (const [name, make] of Object.entries(sources)) {
    const controller = new AbortController();
    const result = Aggregate.fromStream(make(), { pool, signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await assert.rejects(watchdog(result, name), reason, name);
  }
  assert(silent.destroyed);
  assert.equal(cancelled, reason);
  await closeEmpty(pool);
});

test('fromStream() with a signal that has aborted ends the source and reads nothing', async () => {
  const pool = createPool();
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  const source = new Readable({ read: () => assert.fail('read') });
  await assert.rejects(Aggregate.fromStream(source, { pool, signal }), reason);
  assert(source.destroyed);
  let cancelled: unknown;
  const web = new ReadableStream(
    {
      cancel: why => {
        cancelled = why;
      },
    },
    { highWaterMark: 0 },
  );
  await assert.rejects(Aggregate.fromStream(web, { pool, signal }), reason);
  assert.equal(cancelled, reason);
  await closeEmpty(pool);
});

test('an aggregate that comes after the abort is released', async () => {
  const pool = createPool();
  const late = pool.from('late');
  let arrive = (): void => {};
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise<IteratorResult<Aggregate>>(resolve => {
          arrive = () => resolve({ done: false, value: late });
        }),
    }),
  };
  const controller = new AbortController();
  const result = Aggregate.fromStream(source, { pool, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(result, { name: 'AbortError' });
  arrive();
  await closeEmpty(pool);
  assert(late.released);
});

test('fromStream() asks for the next piece only when it has taken the last', async () => {
  const pool = createPool();
  let taken = 0;
  const source = (async function* () {
    for (let i = 1; i <= 50; i++) {
      yield 'x'.repeat(i);
      taken += i;
    }
  })();
  const aggregate = await Aggregate.fromStream(source, { pool });
  assert.equal(aggregate.length, taken);
  aggregate.release();
  // A web stream that nobody reads fills its queue to the mark: the pulls tell how far it is ahead.
  let pulls = 0;
  const web = new ReadableStream(
    {
      pull: controller => {
        pulls += 1;
        controller.enqueue('x');
      },
    },
    { highWaterMark: 3 },
  );
  await assert.rejects(Aggregate.fromStream(web, { pool, limit: 10 }), { code: 'ERR_IOLITE_LIMIT' });
  assert(pulls <= 10 + 1 + 3, `${pulls} pulls`);
  await closeEmpty(pool);
});

test('fromStream() of a stream that has ended, or was destroyed', async () => {
  const pool = createPool();
  const ended = Readable.from(['x']);
  await ended.toArray();
  const nothing = await Aggregate.fromStream(ended, { pool });
  assert.equal(nothing.length, 0);
  nothing.release();
  const destroyed = Readable.from(['x']);
  destroyed.destroy();
  await assert.rejects(Aggregate.fromStream(destroyed, { pool }), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  const closing = new PassThrough();
  setImmediate(() => closing.destroy());
  await assert.rejects(Aggregate.fromStream(closing, { pool }), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  await closeEmpty(pool);
});

test('fromStream() refuses what is no stream, and bad options', async () => {
  const pool = createPool();
  const aggregate = pool.from('x');
  const locked = new ReadableStream();
  locked.getReader();
  const wrong = [undefined, null, 7, 'text', Buffer.from('x'), new ArrayBuffer(1), {}, aggregate, locked];
  wrong.push(new Writable() as never);
  for (const stream of wrong) {
    await assert.rejects(Aggregate.fromStream(stream as never, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  for (const options of [undefined, null, {}, { pool: {} }, { pool, limit: 'x' }, { pool, signal: {} }]) {
    await assert.rejects(Aggregate.fromStream([], options as never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  await assert.rejects(Aggregate.fromStream([], { pool, limit: -1 }), { code: 'ERR_IOLITE_RANGE' });
  assert.equal(aggregate.released, false);
  aggregate.release();
  await closeEmpty(pool);
});
