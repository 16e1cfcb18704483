import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { BufferList as NpmBufferList } from 'bl';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { setLeakDetection } from '../../src/aggregate/leak-detector.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { BufferList, BufferListStream } from '../../src/bl/index.ts';
import { collectGarbage } from '../support/garbage.ts';

afterEach(() => setLeakDetection('off'));

test('lists keep the buffers of the caller, and give views of them', () => {
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  const list = new BufferList([first, second]);
  assert.equal(list.readUInt16BE(4), 0x7473);
  first[4] = 0x21;
  assert.equal(list.readUInt16BE(4), 0x2173, 'nothing that was read over a border is kept');
  assert.equal(list.toString(), 'firs!second');
  const overBorder = list.slice(4, 7);
  overBorder.fill('?');
  assert.equal(list.slice(4, 7).toString(), '!se');
  list.slice(6, 8).fill('?');
  assert.equal(second.toString(), 's??ond');
  list.getBuffers()[0]!.fill('-');
  assert.equal(first.toString(), '-----');
  assert.equal(list.shallowSlice(3).duplicate().get(0), 0x2d);
});

test('what was sliced off stays when the list is consumed', () => {
  const list = new BufferList(['abc', 'def']);
  const [part, copy] = [list.shallowSlice(2, 4), list.duplicate()];
  list.consume(6).append('xyz');
  assert.deepEqual([part.toString(), copy.toString(), list.toString()], ['cd', 'abcdef', 'xyz']);
});

test('a list can be put into itself', () => {
  const list = new BufferList(['ab', 'cd']);
  list.append(list).prepend(list);
  assert.equal(list.toString(), 'abcdabcdabcdabcd');
});

test('positions are taken as Buffer takes them: fractions truncated, NaN as 0, ranges clamped', () => {
  const list = new BufferList(['abc', 'def']);
  assert.equal(list.slice(1.9, 4.9).toString(), 'bcd');
  assert.equal(list.slice(4, 2).length, 0);
  assert.equal(list.slice(Number.NaN, 2).toString(), 'ab');
  assert.equal(list.slice(-100, 100).toString(), 'abcdef');
  assert.equal(list.shallowSlice(4, 2).length, 0);
  assert.equal(list.shallowSlice(-100, 2).toString(), 'ab');
  assert.equal(list.indexOf('d', 2.5), 3);
  assert.throws(() => list.indexOf([97] as never), { name: 'TypeError', code: 'ERR_IOLITE_ARGUMENT' });
  assert.equal(list.get(1.5), undefined);
  assert.equal(new BufferList().get(0), undefined);
  const target = Buffer.alloc(4, '.');
  assert.equal(list.copy(target, 1, 2, 1000), target);
  assert.equal(target.toString(), '.cde');
  assert.equal(list.copy(target, 5), target);
  assert.throws(() => list.copy(target, -1), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => list.copy([] as unknown as Buffer), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('typed reads throw what those of Buffer throw', () => {
  const list = new BufferList(['abc', 'def']);
  assert.throws(() => list.readUInt32LE(3), RangeError);
  assert.throws(() => list.readUIntBE(0, 7), RangeError);
  assert.throws(() => list.readInt8(6), RangeError);
  assert.equal(list.readUInt16BE(-4), 0x6364);
  assert.throws(() => list.readUInt8(-1), RangeError, 'as in bl: it ends at 0');
});

test('lists of this module and of bl know each other', () => {
  const [ours, theirs] = [new BufferList(['ab', 'cd']), new NpmBufferList(['ef', 'gh'])];
  const stream = new BufferListStream('ij');
  assert.ok(NpmBufferList.isBufferList(ours) && NpmBufferList.isBufferList(stream));
  assert.ok(BufferList.isBufferList(theirs) && BufferListStream.isBufferList(theirs));
  assert.equal(new BufferList([ours, theirs, stream]).toString(), 'abcdefghij');
  assert.equal(new NpmBufferList([ours, theirs, stream] as never[]).toString(), 'abcdefghij');
  const all = new BufferList('abcdefghij');
  assert.equal(all.indexOf(ours), 0);
  assert.equal(all.indexOf(theirs), 4);
  assert.equal(new NpmBufferList('xabcd').indexOf(ours as never), 1);
});

test('subclasses make lists of their kind where they say so', () => {
  class Named extends BufferList {
    override _new(): Named {
      return new Named();
    }
  }
  const list = new Named(['ab', 'cd']);
  assert.ok(list.shallowSlice(1, 3) instanceof Named && list.duplicate() instanceof Named);
  class NamedStream extends BufferListStream {}
  assert.equal(new NamedStream('abc').toString(), 'abc');
});

test('toAggregate() shares the bytes, and lists take aggregates and stay when those go', () => {
  const piece = Buffer.from('abc');
  const list = new BufferList([piece, 'def']);
  using whole = list.toAggregate();
  list.consume(6);
  assert.equal(whole.toString(), 'abcdef');
  assert.equal(whole.views()[0]!.buffer, piece.buffer);
  const other = new BufferList('>').append([whole, '<']);
  assert.equal(other.indexOf(whole), 1);
  whole.truncate(1);
  assert.equal(other.toString(), '>abcdef<');
  const gone = Aggregate.empty();
  gone.release();
  assert.throws(() => other.append(gone), { code: 'ERR_IOLITE_RELEASED' });
  assert.throws(() => other.indexOf(gone), { code: 'ERR_IOLITE_RELEASED' });
  assert.equal(other.length, 8);
});

for (const memory of ['shared', 'heap'] as const) {
  test(`Buffers that are handed out do not show what is recycled, ${memory} memory`, () => {
    using pool = createPool({ memory, chunkSize: 8192 });
    const fill = (letter: string): Aggregate => pool.from(Buffer.alloc(6000, letter));
    const stream = new BufferListStream();
    const lists = [new BufferList(), stream];
    const aggregate = fill('a');
    for (const list of lists) list.append(aggregate);
    const inherited = [new BufferList(lists[0]), lists[0]!.duplicate(), stream.shallowSlice(0, 10)];
    aggregate.release();
    const all = [...lists, ...inherited];
    const given = all.flatMap(list => [
      list.slice(),
      list.slice(1, 3),
      list.copy(null),
      ...list.getBuffers(),
      ...list._bufs,
    ]);
    given.push(stream.read(10));
    stream.destroy();
    for (const list of all) list.consume(list.length);
    using _ = fill('b');
    assert.ok(pool.stats().recycled > 0, 'the memory was refilled');
    for (const buffer of given) assert.ok(buffer.every(byte => byte === 0x61));
  });

  test(`lists that are dropped give the memory of pools back, ${memory} memory`, async () => {
    const pool = createPool({ memory, chunkSize: 8192 });
    const drop = (): void => {
      using aggregate = pool.from(Buffer.alloc(6000, 'a'));
      using small = pool.from('small');
      const list = new BufferList('x').append(aggregate);
      new BufferListStream(list).prepend([list.shallowSlice(10), small]);
    };
    for (let i = 0; i < 20; i++) drop();
    pool.close();
    assert.ok(pool.stats().chunks > 0);
    await collectGarbage(() => pool.stats().chunks === 0);
    assert.equal(pool.stats().leaked, 0, 'the lists did, not the pool');
  });
}

test('a list that is dropped is no leak, whatever it holds', async () => {
  const leaks: number[] = [];
  setLeakDetection('full', ({ bytes }) => leaks.push(bytes));
  const pool = createPool({ memory: 'heap', chunkSize: 8192 });
  const drop = (): void => {
    new BufferList(['abc', Buffer.from('def')]).consume(1).duplicate().append('ghi');
    using aggregate = pool.from('jkl');
    new BufferListStream([aggregate, 'mno']).shallowSlice(1, 5);
  };
  const forget = (): void => {
    pool.from('a leak of twenty-four b.');
  };
  drop();
  forget();
  pool.close();
  await collectGarbage(() => leaks.length > 0 && pool.stats().chunks === 0);
  assert.deepEqual(leaks, [24]);
});
