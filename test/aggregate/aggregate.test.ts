import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { sliced } from '../support/slicing.ts';

test('write() and splice() copy no untouched byte: the slices around show the same memory', () => {
  using pool = createPool({ chunkSize: 64 * 1024 });
  using aggregate = pool.from('0123456789');
  const [before] = aggregate.slices();
  aggregate.write(4, 'AB');
  const [head, middle, rest, ...more] = aggregate.slices();
  assert.equal(aggregate.toString(), '0123AB6789');
  assert.equal(more.length, 0);
  assert.deepEqual(head?.id, { ...before?.id, length: 4 });
  assert.deepEqual(rest?.id, { ...before?.id, offset: before!.start + 6, length: 4 });
  assert.notEqual(middle?.id.offset, before!.start + 4);
  const removed = aggregate.splice(2, 6, 'xyz');
  assert.equal(aggregate.toString(), '01xyz89');
  assert.equal(removed.toString(), '23AB67');
  assert.deepEqual(removed.slices()[0]?.id, { ...before?.id, offset: before!.start + 2, length: 2 });
  removed.release();
});

test('splitting and joining again makes one slice, and no copy', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = pool.from('hello world');
  const { id } = aggregate.slices()[0]!;
  using rest = aggregate.split(5);
  aggregate.append(rest);
  assert.deepEqual(
    aggregate.slices().map(slice => slice.id),
    [id],
  );
});

test('append() puts small copies one behind the other, in one slice', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = pool.from('');
  let flat = '';
  for (let i = 0; i < 10_000; i++) {
    aggregate.append(`${i},`);
    flat += `${i},`;
  }
  assert.equal(aggregate.toString(), flat);
  assert(aggregate.slices().length < 20, `${aggregate.slices().length} slices`);
});

test('append() after duplicate(), split() and truncate() changes nothing that others see', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = pool.from('');
  aggregate.append('one ');
  using copy = aggregate.duplicate();
  aggregate.append('two ');
  copy.append('deux ');
  using longer = aggregate.duplicate();
  aggregate.truncate(2);
  aggregate.append('!');
  assert.equal(aggregate.toString(), 'on!');
  assert.equal(copy.toString(), 'one deux ');
  assert.equal(longer.toString(), 'one two ');
});

test('append() takes the aggregate itself', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = sliced(pool, Buffer.from('abc'), [1]);
  aggregate.append(aggregate).prepend(aggregate);
  assert.equal(aggregate.toString(), 'abc'.repeat(4));
  aggregate.splice(3, 3, aggregate);
  assert.equal(aggregate.toString(), 'abc'.repeat(7));
  aggregate.truncate(3).write(0, aggregate);
  assert.equal(aggregate.toString(), 'abc');
});

test('strings come in any encoding, and malformed ones as Buffer takes them', () => {
  using pool = createPool({ memory: 'heap' });
  for (const encoding of ['utf8', 'utf16le', 'latin1', 'hex', 'base64', 'base64url'] as const) {
    for (const text of ['', 'c3a9', 'YWI', 'zz', 'é€😀', '\ud800']) {
      using made = pool.from(text, encoding);
      using appended = Aggregate.empty().append('>').append(text, encoding).append('<');
      const flat = Buffer.from(text, encoding);
      assert(made.equals(flat), `${encoding} ${text}`);
      assert(appended.equals(Buffer.concat([Buffer.from('>'), flat, Buffer.from('<')])));
    }
  }
});

test('adopt() shows the bytes themselves', () => {
  const bytes = Buffer.from('adopted');
  using aggregate = Aggregate.adopt(bytes);
  assert.equal(aggregate.views()[0]?.buffer, bytes.buffer);
  assert.equal(aggregate.views()[0]?.byteOffset, bytes.byteOffset);
  assert.equal(Aggregate.adopt(new Uint8Array(0)).length, 0);
});

test('copyTo() copies what there is room for and says how much', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = sliced(pool, Buffer.from('0123456789'), [1, 3, 2]);
  const target = Buffer.alloc(6, '.');
  assert.equal(aggregate.copyTo(target, 2, 3), 4);
  assert.equal(target.toString(), '..3456');
  assert.equal(aggregate.copyTo(new Uint8Array(20), 0, 8, 100), 2);
  assert.equal(aggregate.copyTo(new Uint8Array(0)), 0);
  assert.throws(() => aggregate.copyTo(target, 7), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => aggregate.copyTo('target' as unknown as Buffer), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('compare() orders as Buffer.compare does', () => {
  using pool = createPool({ memory: 'heap' });
  for (const left of ['', 'a', 'ab', 'abc', 'b', 'ba']) {
    for (const right of ['', 'a', 'ab', 'abc', 'b', 'ba']) {
      using one = sliced(pool, Buffer.from(left), [1]);
      using two = sliced(pool, Buffer.from(right), [2]);
      const wanted = Buffer.compare(Buffer.from(left), Buffer.from(right));
      assert.equal(one.compare(two), wanted, `${left} ${right}`);
      assert.equal(one.compare(right), wanted);
      assert.equal(one.equals(two), wanted === 0);
    }
  }
});

/** Every operation, with arguments that are right. */
const OPERATIONS: Record<string, (aggregate: Aggregate) => unknown> = {
  length: a => a.length,
  append: a => a.append('x'),
  prepend: a => a.prepend('x'),
  truncate: a => a.truncate(0),
  trimStart: a => a.trimStart(0),
  split: a => a.split(0),
  write: a => a.write(0, ''),
  splice: a => a.splice(0, 0),
  compact: a => a.compact(),
  slice: a => a.slice(),
  duplicate: a => a.duplicate(),
  at: a => a.at(0),
  readUInt8: a => a.readUInt8(0),
  equals: a => a.equals(''),
  indexOf: a => a.indexOf('x'),
  lastIndexOf: a => a.lastIndexOf('x'),
  includes: a => a.includes(''),
  startsWith: a => a.startsWith(''),
  endsWith: a => a.endsWith(''),
  compare: a => a.compare(''),
  toString: (a: Aggregate) => a.toString(),
  toBuffer: a => a.toBuffer(),
  copyTo: a => a.copyTo(Buffer.alloc(1)),
  slices: a => a.slices(),
  views: a => a.views(),
  digest: a => a.digest('crc32'),
  iterate: a => [...a],
  lines: a => a.lines(),
  reader: a => a.reader(),
  release: a => a.release(),
  'append to another': a => Aggregate.empty().append(a),
  concat: a => Aggregate.concat([a]),
};

test('every operation on a released aggregate throws ERR_IOLITE_RELEASED', () => {
  using pool = createPool({ memory: 'heap' });
  for (const content of ['', 'x', 'long enough for a read of 8 bytes']) {
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const aggregate = pool.from(content);
      aggregate.release();
      assert.equal(aggregate.released, true);
      assert.throws(() => operation(aggregate), { code: 'ERR_IOLITE_RELEASED' }, name);
      aggregate[Symbol.dispose]();
    }
  }
});

test('what was tried with a released aggregate is said', () => {
  using pool = createPool({ memory: 'heap' });
  const aggregate = pool.from('text');
  aggregate.release();
  const tried = { decode: 'toString', copy: 'toBuffer', search: 'indexOf', slice: 'slice' } as const;
  for (const [verb, method] of Object.entries(tried)) {
    const operation = (): unknown => aggregate[method]('x' as never);
    assert.throws(operation, { message: `Cannot ${verb} aggregate: it was released` }, method);
  }
  assert.throws(() => aggregate.lastIndexOf('x'), { message: 'Cannot search aggregate: it was released' });
});

test('bad positions and contents are refused with a code, and change nothing', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = sliced(pool, Buffer.from('0123456789'), [1, 4]);
  const released = pool.from('x');
  released.release();
  const foreign: unknown[] = [
    null,
    undefined,
    3,
    3n,
    true,
    {},
    [],
    Symbol('x'),
    () => 'x',
    { length: 2 },
    new Date(),
  ];
  const positions: unknown[] = [-1, 11, 2 ** 53, -(2 ** 31)];
  const nonsense: unknown[] = [
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1',
    null,
    {},
    1n,
    { valueOf: () => 1 },
  ];
  const bad: (() => unknown)[] = [];
  for (const position of [...positions, ...nonsense] as number[]) {
    bad.push(() => aggregate.truncate(position));
    bad.push(() => aggregate.trimStart(position));
    bad.push(() => aggregate.split(position));
    bad.push(() => aggregate.write(position, 'x'));
    bad.push(() => aggregate.splice(position, 0));
    bad.push(() => aggregate.splice(0, position));
    bad.push(() => aggregate.at(position));
  }
  for (const position of nonsense as number[]) bad.push(() => aggregate.slice(position));
  for (const content of [...foreign, released] as string[]) {
    bad.push(() => aggregate.append(content));
    bad.push(() => aggregate.prepend(content));
    bad.push(() => aggregate.write(0, content));
    bad.push(() => aggregate.splice(0, 1, 'fine', content));
    bad.push(() => aggregate.equals(content));
    bad.push(() => Aggregate.concat([aggregate, content]));
  }
  bad.push(() => aggregate.write(8, 'abc'));
  bad.push(() => aggregate.append('x', 'utf-7' as BufferEncoding));
  bad.push(() => Aggregate.concat('text' as unknown as []));
  bad.push(() => Aggregate.adopt({} as Buffer));
  bad.push(() => pool.from(3 as unknown as string));
  bad.push(() => pool.from([Buffer.from('fine'), 'x' as unknown as Buffer]));
  for (const operation of bad) {
    assert.throws(operation, /IoliteError|ArgumentError|BoundsError/, String(operation));
    assert.equal(aggregate.toString(), '0123456789');
  }
});

test('a full pool fails an operation and leaves the aggregate as it was', () => {
  using pool = createPool({ chunkSize: 8192, limit: 16384, memory: 'heap' });
  using aggregate = pool.from('0123456789');
  const large = Buffer.alloc(64 * 1024);
  for (const operation of [
    () => aggregate.append(large),
    () => aggregate.prepend(large),
    () => aggregate.splice(2, 3, 'fine', large),
  ]) {
    assert.throws(operation, { code: 'ERR_IOLITE_LIMIT' });
    assert.equal(aggregate.toString(), '0123456789');
  }
});

test('hostile subclasses of Uint8Array are read by what they hold', () => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 1000;
    }
    override get byteLength(): number {
      return 1000;
    }
  }
  using aggregate = Aggregate.empty().append(new Liar([1, 2, 3]));
  assert.deepEqual([...aggregate.toBuffer()], [1, 2, 3]);
});

test('draft: bytes are the room, seal() ends it, discard() gives it back', () => {
  using pool = createPool({ memory: 'heap' });
  const draft = pool.allocate(100);
  draft.bytes.write('sealed');
  using aggregate = draft.seal(6);
  assert.equal(aggregate.toString(), 'sealed');
  for (const late of [() => draft.bytes, () => draft.seal(), () => draft.discard()]) {
    assert.throws(late, { code: 'ERR_IOLITE_RELEASED' });
  }
  const other = pool.allocate(10);
  assert.throws(() => other.seal(11), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => other.seal(-1), { code: 'ERR_IOLITE_RANGE' });
  other.discard();
  assert.equal(other.released, true);
  assert.equal(pool.allocate(0).seal().length, 0);
});
