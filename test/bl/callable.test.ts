import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { inherits } from 'node:util';
import { createPool } from '../../src/aggregate/pool.ts';
import { callable } from '../../src/bl/callable.ts';
import bl, { BufferList, BufferListStream, isBufferList } from '../../src/bl/index.ts';

/** A class of the time before classes. */
type Legacy = (this: object, ...args: unknown[]) => void;

test('bl() without new makes a stream, as BufferList() makes a list', () => {
  const stream = bl(['ab', Buffer.from('cd')]);
  assert.ok(stream instanceof bl && stream instanceof Duplex);
  assert.equal(stream.append('e').toString(), 'abcde');
  const list = BufferList('xy');
  assert.ok(list instanceof BufferList && !(list instanceof Duplex));
  assert.equal(list.toString(), 'xy');
  assert.equal(Object.getPrototypeOf(list).constructor, BufferList);
});

test('bl(callback) without new collects what is written', () => {
  const calls: unknown[] = [];
  const stream = bl((...args) => calls.push(args));
  stream.write('one ');
  stream.end('two');
  assert.deepEqual(calls, [[null, Buffer.from('one two')]]);
});

test('what inherits by util.inherits calls the constructor', () => {
  for (const Super of [BufferListStream, BufferList]) {
    function Counted(this: { count: number; append(content: string): void }, content: string): void {
      (Super as unknown as Legacy).call(this);
      this.count = 1;
      this.append(content);
    }
    inherits(Counted, Super);
    const made = Reflect.construct(Counted, ['abc']) as BufferList & { count: number };
    assert.deepEqual([made.count, made.length, made.toString()], [1, 3, 'abc']);
    assert.ok(made instanceof Super && isBufferList(made));
  }
});

test('classes extend both', () => {
  class Stream extends BufferListStream {
    readonly extra = 1;
  }
  class List extends BufferList {
    override get length(): number {
      return super.length;
    }
  }
  const stream = new Stream('abc');
  assert.deepEqual([stream.extra, stream.toString(), Stream.name], [1, 'abc', 'Stream']);
  assert.deepEqual([new List('ab').length, List.isBufferList(stream)], [2, true]);
});

test('a list with memory of a pool still gives it back by destroy() when it was made without new', () => {
  const pool = createPool({ memory: 'heap' });
  const list = bl();
  {
    using content = pool.from('abc');
    list.append(content);
  }
  pool.close();
  assert.equal(pool.stats().chunks, 1);
  list.destroy();
  assert.equal(pool.stats().chunks, 0);
});

test('a constructor has the name, statics and methods of its class, and its own parts', () => {
  class Base {
    static of(): string {
      return 'static';
    }
    value = 0;
    double(): number {
      return this.value * 2;
    }
  }
  function begin(this: Base, value: number): void {
    this.value = value;
  }
  const Made = callable(Base, 'Other', begin) as typeof Base & ((value: number) => Base);
  assert.deepEqual([Made.name, Made.of(), Made(3).double()], ['Other', 'static', 6]);
  assert.equal(bl.BufferList, BufferList);
  assert.equal(bl.BufferListStream, bl);
  assert.ok(bl.isBufferList(bl()) && BufferList.isBufferList(BufferList()));
});
