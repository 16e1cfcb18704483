import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AggregateReader } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { IncompleteError } from '../../src/aggregate/sequence-reader.ts';
import { sliced, slicings } from '../support/slicing.ts';

const pool = createPool({ memory: 'heap' });

test('AggregateReader reads what lies next, whatever the slices', () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom(
        'peek',
        'read',
        'exactly',
        'skip',
        'string',
        'until',
        'fork',
        'rewind',
        'u8',
        'u32',
      ),
      count: fc.nat(20),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), slicings, steps, (bytes, lengths, list) => {
      const flat = Buffer.from(bytes);
      using aggregate = sliced(pool, bytes, lengths);
      using reader = aggregate.reader();
      let at = 0;
      for (const { what, count } of list) {
        const left = flat.length - at;
        const incomplete = (wanted: number): object => ({
          code: 'ERR_IOLITE_INCOMPLETE',
          missing: wanted - left,
        });
        assert.equal(reader.position, at);
        assert.equal(reader.remaining, left);
        if (what === 'peek' || what === 'read') {
          using part = what === 'peek' ? reader.peek(count) : reader.read(count);
          assert(part.equals(flat.subarray(at, at + count)));
          if (what === 'read') at += part.length;
        } else if (what === 'exactly') {
          if (count > left) {
            assert.throws(() => reader.readExactly(count), incomplete(count));
            continue;
          }
          using part = reader.readExactly(count);
          assert(part.equals(flat.subarray(at, at + count)));
          at += count;
        } else if (what === 'skip') {
          if (count > left) assert.throws(() => reader.skip(count), incomplete(count));
          else reader.skip(count);
          at += count > left ? 0 : count;
        } else if (what === 'string') {
          if (count > left) assert.throws(() => reader.readString(count), incomplete(count));
          else assert.equal(reader.readString(count, 'latin1'), flat.toString('latin1', at, at + count));
          at += count > left ? 0 : count;
        } else if (what === 'until') {
          const end = flat.indexOf(count, at);
          using part = reader.readUntil(count);
          if (end === -1) assert.equal(part, undefined);
          else assert(part?.equals(flat.subarray(at, end)));
          at = end === -1 ? at : end + 1;
        } else if (what === 'fork') {
          using other = reader.fork();
          using rest = other.rest();
          assert(rest.equals(flat.subarray(at)));
          assert.equal(other.remaining, 0);
        } else if (what === 'rewind') {
          at = Math.min(count, flat.length);
          reader.rewind(at);
        } else {
          const size = what === 'u8' ? 1 : 4;
          const read = (): number => (what === 'u8' ? reader.readUInt8() : reader.readUInt32BE());
          if (size > left) assert.throws(read, incomplete(size));
          else assert.equal(read(), what === 'u8' ? flat[at] : flat.readUInt32BE(at));
          at += size > left ? 0 : size;
        }
      }
    }),
    { numRuns: 1500 },
  );
});

test('readLine() takes complete lines only, rest() what is left', () => {
  using aggregate = sliced(pool, Buffer.from('one\r\n\ntwo\nthr'), [1]);
  using reader = aggregate.reader();
  const lines: string[] = [];
  for (;;) {
    using line = reader.readLine();
    if (line === undefined) break;
    lines.push(line.toString());
  }
  using rest = reader.rest();
  assert.deepEqual([lines, rest.toString()], [['one', '', 'two'], 'thr']);
});

test('readUntil() takes delimiters of several bytes', () => {
  using aggregate = sliced(pool, Buffer.from('a--b-c--'), [1]);
  using reader = aggregate.reader();
  const delimiter = Buffer.from('--');
  for (const wanted of ['a', 'b-c']) {
    using part = reader.readUntil(delimiter);
    assert.equal(part?.toString(), wanted);
  }
  assert.equal(reader.readUntil('--'), undefined);
  assert.throws(() => reader.readUntil(''), { code: 'ERR_IOLITE_RANGE' });
});

test('a reader keeps what it reads: the aggregate may change or be released', () => {
  const aggregate = sliced(pool, Buffer.from('steady'), [2]);
  using reader = aggregate.reader();
  aggregate.truncate(1).append('!');
  aggregate.release();
  assert.equal(reader.readString(6), 'steady');
  assert.throws(() => reader.readInt8(), IncompleteError);
});

test('a released reader says so, and bad counts are refused', () => {
  using aggregate = pool.from('bytes');
  const reader = aggregate.reader();
  for (const count of [-1, 0.5, Number.NaN, '1' as unknown as number]) {
    assert.throws(() => reader.read(count), /Cannot use count/);
    assert.throws(() => reader.skip(count), /Cannot use count/);
    assert.throws(() => reader.rewind(count), /Cannot use position/);
  }
  assert.throws(() => reader.rewind(6), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => reader.readUIntBE(7), { code: 'ERR_IOLITE_RANGE' });
  reader.release();
  for (const late of [
    () => reader.read(1),
    () => reader.peek(1),
    () => reader.readUInt8(),
    () => reader.readLine(),
    () => reader.fork(),
    () => reader.rest(),
    () => reader.release(),
  ]) {
    assert.throws(late, { code: 'ERR_IOLITE_RELEASED' });
  }
});

test('readers and their forks are AggregateReaders by name', () => {
  using aggregate = pool.from('x');
  using reader = aggregate.reader();
  using fork = reader.fork();
  for (const each of [reader, fork]) {
    assert(each instanceof AggregateReader);
    assert.equal(each.constructor.name, 'AggregateReader');
  }
});
