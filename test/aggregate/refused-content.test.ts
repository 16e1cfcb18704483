import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { isBlob } from '../../src/aggregate/refused-content.ts';

const NUMBERS = Float64Array.of(0.5, -1);
const AS_BYTES = Buffer.from(NUMBERS.buffer);

test('every function that takes bytes takes every view of them, and shared memory', () => {
  using pool = createPool({ memory: 'heap' });
  const shared = new SharedArrayBuffer(16);
  new Float64Array(shared).set(NUMBERS);
  const long = new Float64Array([7, ...NUMBERS, 7]);
  const views = [NUMBERS, long.subarray(1, 3), new DataView(long.buffer, 8, 16), shared, NUMBERS.buffer];
  for (const view of views) {
    using made = pool.from(view);
    using pieces = pool.from([view, view]);
    using list = Aggregate.concat(['>', view]);
    using adopted = Aggregate.adopt(view);
    using changed = pool.from('ab').append(view).prepend(view).write(0, view);
    using removed = changed.splice(0, 16, view);
    assert.ok(made.equals(view) && made.toBuffer().equals(AS_BYTES));
    assert.ok(pieces.toBuffer().equals(Buffer.concat([AS_BYTES, AS_BYTES])));
    assert.deepEqual([list.indexOf(view), list.includes(view), list.endsWith(view)], [1, true, true]);
    assert.deepEqual(
      [adopted.compare(view), removed.equals(view), changed.startsWith(view)],
      [0, true, true],
    );
    assert.equal(changed.length, 34);
  }
  // Copied: what is written later is not in it.
  using before = pool.from(shared);
  new Float64Array(shared)[0] = 99;
  assert.ok(before.equals(NUMBERS));
});

test('copyTo() fills the bytes of a view, and readUntil() takes one', () => {
  using pool = createPool({ memory: 'heap' });
  using bytes = pool.from(NUMBERS);
  const target = new Float64Array(2);
  assert.equal(bytes.copyTo(target), 16);
  assert.deepEqual(target, NUMBERS);
  assert.throws(() => bytes.copyTo(new ArrayBuffer(16) as never), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('streams hold views, and a Blob is one', async () => {
  using pool = createPool({ memory: 'heap' });
  using views = await Aggregate.fromStream([NUMBERS, new DataView(NUMBERS.buffer, 0, 1), 'x'], { pool });
  assert.equal(views.length, 18);
  using blob = await Aggregate.fromStream(new Blob(['a ', NUMBERS]), { pool });
  assert.equal(blob.toString('latin1', 2), AS_BYTES.toString('latin1'));
  using file = await Aggregate.fromStream(new File(['content'], 'name.txt'), { pool });
  assert.equal(file.toString(), 'content');
  assert.deepEqual([isBlob(new Blob([])), isBlob({})], [true, false]);
  // A view is bytes, and no iterable of pieces.
  await assert.rejects(Aggregate.fromStream(NUMBERS as never, { pool }), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('what is refused is named by its class, and how it can be read', () => {
  using pool = createPool({ memory: 'heap' });
  using aggregate = Aggregate.empty();
  const way = '; await Aggregate.fromStream(it, { pool })';
  for (const [given, name] of [
    [new Blob(['x']), `a value of type Blob was given${way}`],
    [new File(['x'], 'y'), `a value of type File was given${way}`],
    [Readable.from(['x']), `a value of type Readable was given${way}`],
    [new Blob(['x']).stream(), `a value of type ReadableStream was given${way}`],
    [new Date(0), 'a value of type Date was given'],
    [1, '1 was given'],
  ] as const) {
    for (const give of [() => pool.from(given as never), () => aggregate.append(given as never)]) {
      assert.throws(give, ({ code, message }: NodeJS.ErrnoException) => {
        assert.equal(code, 'ERR_IOLITE_ARGUMENT');
        assert.ok(message.endsWith(`wanted, ${name}`), message);
        return true;
      });
    }
  }
  assert.throws(() => pool.from([Buffer.from('a'), 1] as never), {
    message:
      'Cannot make aggregate: bytes are wanted in an iterable, a value of type Array that holds 1 was given',
  });
});
