import assert from 'node:assert/strict';
import { createReadStream, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { Pieces } from '../../src/aggregate/pieces.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import type { StreamLike } from '../../src/aggregate/stream/from-stream.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;
const never = async (): Promise<boolean> => false;

/** All that comes, as the texts of the pieces. */
async function textsOf(stream: StreamLike, pool: Pool): Promise<string[]> {
  const pieces = new Pieces(stream, pool, never);
  const texts: string[] = [];
  for (;;) {
    using piece = await watchdog(pieces.next(), 'a piece');
    if (piece === undefined) return texts;
    assert.ok(piece.length > 0);
    texts.push(piece.toString('latin1'));
  }
}

test('bytes, strings and aggregates come as pieces, none of them empty, in their order', async () => {
  using pool = createPool();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.stringMatching(/^[a-z]{0,9}$/))), async parts => {
      const stream = parts.map(([kind, text]) => [text, Buffer.from(text), pool.from(text)][kind]);
      const texts = await textsOf(stream as StreamLike, pool);
      assert.deepEqual(
        texts,
        parts.map(([, text]) => text).filter(text => text !== ''),
      );
    }),
  );
});

test('an aggregate is handed on as it is, and large bytes are cut', async () => {
  using pool = createPool();
  const whole = pool.from('as it is');
  const pieces = new Pieces([whole], pool, never);
  assert.equal(await pieces.next(), whole);
  whole.release();
  const lengths = (await textsOf([Buffer.alloc(2 * MiB + 5, 'x')], pool)).map(({ length }) => length);
  assert.deepEqual(lengths, [MiB, MiB, 5]);
});

test('a file is read into the pool', async () => {
  using folder = new Folder();
  using pool = createPool();
  const content = Buffer.alloc(300_000, 'a line of a file\n');
  writeFileSync(folder.file('file'), content);
  const texts = await textsOf(createReadStream(folder.file('file')), pool);
  assert.equal(texts.join(''), content.toString());
});

test('a pool that is full is asked again as long as it is said to be worth while', async () => {
  using pool = createPool({ limit: 2 * MiB, chunkSize: MiB });
  const held = Array.from({ length: 2 }, () => pool.allocate(900_000).seal());
  let asked = 0;
  const pieces = new Pieces([Buffer.alloc(500_000, 'x')], pool, async () => {
    asked += 1;
    if (asked === 2) held.pop()?.release();
    return asked < 5;
  });
  using piece = await watchdog(pieces.next(), 'a piece');
  assert.equal(piece?.length, 500_000);
  assert.equal(asked, 2);
  const others = new Pieces([Buffer.alloc(900_000, 'x')], pool, never);
  await assert.rejects(others.next(), { code: 'ERR_IOLITE_LIMIT' });
  for (const each of held) each.release();
});

test('cancel() ends the stream, and releases what comes yet', async () => {
  using pool = createPool();
  let give: (piece: Aggregate) => void = () => {};
  let isEnded = false;
  const stream: AsyncIterable<Aggregate> = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise(resolve => {
          give = value => resolve({ value, done: false });
        }),
      return: async () => {
        isEnded = true;
        return { value: undefined, done: true };
      },
    }),
  };
  const pieces = new Pieces(stream, pool, never);
  const asked = pieces.next();
  await setImmediate();
  pieces.cancel(new Error('no longer'));
  const late = pool.from('too late');
  give(late);
  await asked;
  await setImmediate();
  assert.equal(late.released, true);
  assert.equal(isEnded, true);
});

test('what is no pool, no stream, or no piece of one is refused', async () => {
  using pool = createPool();
  for (const other of [undefined, {}, 7]) {
    assert.throws(() => new Pieces([], other as never, never), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  await assert.rejects(new Pieces(7 as never, pool, never).next(), { code: 'ERR_IOLITE_ARGUMENT' });
  await assert.rejects(new Pieces([7] as never, pool, never).next(), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.equal(Aggregate.isAggregate(await new Pieces([], pool, never).next()), false);
});
