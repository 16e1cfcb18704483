import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { aggregateOfSlices } from '../../../src/aggregate/aggregate-of-slices.ts';
import { createPool, type Pool } from '../../../src/aggregate/pool.ts';
import { contiguousBytes, endShown } from '../../../src/aggregate/tree/contiguous.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { collectGarbage } from '../../support/garbage.ts';

const PAGE = 4096;
const LARGE = 64 * PAGE;

/** A buffer of pages of its own, each page of which begins with a letter and a number. */
function pages(pool: Pool, letter: string, count = LARGE / PAGE): Aggregate {
  const draft = pool.allocate(Math.max(LARGE, count * PAGE));
  for (let i = 0; i < count; i++) draft.bytes.write(`${letter}${i}`.padEnd(PAGE, '.'), i * PAGE);
  const whole = draft.seal();
  return whole.truncate(count * PAGE);
}

/** Which bytes of a view change when the chunks do: those that lie in the same pages, and are no copy. */
function sharedPages(aggregate: Aggregate, view: Uint8Array): number {
  let shared = 0;
  let at = 0;
  for (const slice of aggregate.slices()) {
    for (let i = 0; i < slice.length; i += PAGE, at += Math.min(PAGE, slice.length)) {
      const { memory } = slice;
      const before = memory[i] as number;
      memory[i] = before ^ 255;
      if (view[at] === (before ^ 255)) shared += 1;
      memory[i] = before;
    }
  }
  return shared;
}

test('pages of several buffers lie side by side, and are the same pages', () => {
  using pool = createPool();
  using whole = pages(pool, 'a');
  using second = pages(pool, 'b');
  using third = pages(pool, 'c', 3);
  whole.append(second).append(third);
  const view = whole.contiguous();
  assert(whole.equals(view));
  assert.equal(sharedPages(whole, view), whole.length / PAGE);
  assert.equal(whole.contiguous(), view, 'asked for again it is the same');
});

test('what does not fill pages is copied, and the pages around it are not', () => {
  using pool = createPool();
  using first = pages(pool, 'a', 10);
  using rest = pages(pool, 'b', 10);
  // 100 bytes are missing at the border, so that the second buffer lies at another place in its pages.
  using whole = Aggregate.concat([first.slice(0, 10 * PAGE - 60), rest.slice(40)]);
  const view = whole.contiguous();
  assert(whole.equals(view));
  using even = Aggregate.concat([first.slice(50, 10 * PAGE - 60), rest.slice(PAGE - 60)]);
  const evenView = even.contiguous();
  assert(even.equals(evenView));
  // Nine whole pages of either are shared, and two that are cut are not.
  const marks = even.slices().map(({ memory, start, length }) => {
    const at = roundUp(start) - start;
    return { memory, at, length };
  });
  let position = 0;
  for (const { memory, at, length } of marks) {
    memory[at] = 1;
    assert.equal(evenView[position + at], 1);
    position += length;
  }
  assert.equal(evenView.buffer.byteLength % PAGE, 0);
  assert(!Buffer.from(evenView.buffer).includes('a0'), 'nothing that was not passed lies beside it');
});

const roundUp = (value: number): number => Math.ceil(value / PAGE) * PAGE;

test('one slice gives its own view, and none an empty one', () => {
  using pool = createPool();
  using one = pool.from('hello');
  assert.equal(one.contiguous().buffer, one.views()[0]?.buffer);
  assert.equal(Aggregate.empty().contiguous().length, 0);
  const released = pool.from('x');
  released.release();
  assert.throws(() => released.contiguous(), { code: 'ERR_IOLITE_RELEASED' });
});

for (const memory of ['shared', 'heap'] as const) {
  test(`any list gives the bytes of a flat model, which later changes do not reach (${memory})`, () => {
    const random = new SeededRandom(5);
    const below = (most: number): number => Math.floor(random.uniform() * most);
    using pool = createPool({ memory });
    const letters = Array.from({ length: 20_000 }, () => below(256));
    const sources = [pages(pool, 'a'), pages(pool, 'b'), pool.from(Uint8Array.from(letters))];
    for (let round = 0; round < 60; round++) {
      using list = Aggregate.empty();
      for (let i = 0; i < 1 + below(40); i++) {
        const source = sources[below(sources.length)] as Aggregate;
        const start = below(3) > 0 ? PAGE * below(source.length / PAGE) : below(source.length);
        const length = [1, below(100), PAGE * below(5), PAGE * 8][below(4)] as number;
        using part = source.slice(start, start + length);
        list.append(part);
      }
      const flat = list.toBuffer();
      const view = list.contiguous();
      assert(flat.equals(view));
      list.prepend('changed').truncate(Math.floor(list.length / 2));
      assert(list.toBuffer().equals(list.contiguous()));
      assert(flat.equals(view));
    }
    for (const source of sources) source.release();
    assert.equal(pool.stats().bytesUsed, 0);
  });
}

test('slices of a byte are copied', () => {
  using pool = createPool();
  using source = pages(pool, 'a');
  const [{ lease, start } = assert.fail()] = source.slices();
  lease.retain(3000);
  using list = aggregateOfSlices(
    Array.from({ length: 3000 }, (_, i) => ({ lease, start: start + 7 * i, end: start + 7 * i + 1 })),
  );
  assert(list.toBuffer().equals(list.contiguous()));
});

test('of very many slices no more are mapped than a process can bear', () => {
  using pool = createPool();
  using source = pages(pool, 'a', 4096);
  const [{ lease, start } = assert.fail()] = source.slices();
  lease.retain(2048);
  using list = aggregateOfSlices(
    Array.from({ length: 2048 }, (_, i) => {
      const page = start + PAGE * 2 * (2047 - i);
      return { lease, start: page, end: page + PAGE };
    }),
  );
  const before = mappings();
  const view = list.contiguous();
  assert(list.equals(view));
  assert(mappings() - before < 2100, `${mappings() - before} mappings`);
  assert.equal(sharedPages(list, view), 1024);
});

function mappings(): number {
  return readFileSync('/proc/self/maps', 'latin1').split('\n').length;
}

test('the release of the aggregate gives the memory back, and a view of it reads as zeros', () => {
  using pool = createPool();
  const whole = pages(pool, 'a');
  using other = pages(pool, 'b');
  whole.append(other);
  const view = whole.contiguous();
  other.truncate(0);
  whole.truncate(0);
  assert(pool.stats().bytesUsed >= 2 * LARGE, 'the view holds it');
  assert.equal(Buffer.from(view).toString('latin1', 0, 2), 'a0');
  whole.release();
  assert.equal(pool.stats().bytesUsed, 0);
  assert(view.every(byte => byte === 0));
});

test('what was received is mapped in the same way', async () => {
  using pair = new ChannelPair();
  const messages = pair.far[Symbol.asyncIterator]();
  using pool = createPool();
  using body = pages(pool, 'a');
  using more = pages(pool, 'b');
  await pair.near.send({ body: body.append(more) });
  const { value: message } = await messages.next();
  using received = (message as Message).body ?? assert.fail();
  const view = received.contiguous();
  assert(body.equals(view));
  assert.equal(sharedPages(body, view), body.length / PAGE);
});

test('a view that is kept keeps its bytes, should the aggregate be forgotten', async () => {
  using pool = createPool();
  const forgotten = (): Uint8Array => {
    const whole = pages(pool, 'a');
    using other = pages(pool, 'b');
    return whole.append(other).contiguous();
  };
  const view = forgotten();
  for (let i = 0; i < 20; i++) {
    globalThis.gc?.();
    await setImmediate();
    pool.from(Buffer.alloc(LARGE, 'z')).release();
  }
  assert.equal(Buffer.from(view).toString('latin1', LARGE, LARGE + 2), 'b0');
  assert.equal(pool.stats().leaked, 0);
});

test('nothing is left of views that are not kept', async () => {
  using pool = createPool();
  const forget = (): void => {
    const whole = pages(pool, 'a');
    using other = pages(pool, 'b');
    whole.append(other).contiguous();
  };
  forget();
  await collectGarbage(() => pool.stats().leaked === 2);
  assert.equal(pool.stats().bytesHeld, 0);
});

test('more than one view can show is refused', () => {
  using pool = createPool();
  using block = pool.from(Buffer.alloc(1024 ** 2));
  using list = block.duplicate();
  while (list.length <= 4 * 1024 ** 3) list.append(list);
  assert.throws(() => list.contiguous(), { code: 'ERR_IOLITE_RANGE' });
});

test('it is a copy where nothing can be mapped', () => {
  using list = Aggregate.concat([
    Aggregate.adopt(Buffer.from('on the ')),
    Aggregate.adopt(Buffer.from('heap')),
  ]);
  assert.equal(Buffer.from(list.contiguous()).toString(), 'on the heap');
  const [slice = assert.fail()] = list.slices();
  assert.equal(contiguousBytes({}, slice).toString(), 'on the ');
  assert(endShown !== undefined, 'others were mapped');
});
