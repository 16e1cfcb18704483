import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BytesMemo } from '../../src/base/bytes-memo.ts';

const LONGEST = 20;

/** What the tests make of bytes: an object that holds them; nothing of those that begin with 255. */
function holding(bytes: Buffer, start: number, end: number): { readonly text: string } | undefined {
  return bytes[start] === 255 && end > start ? undefined : { text: bytes.toString('latin1', start, end) };
}

test('recall() gives what is made of just these bytes, wherever they lie, and knows the last of them', () => {
  const few = fc.uint8Array({ maxLength: 5 });
  const key = fc.oneof(
    fc.array(fc.constantFrom(0, 1, 255), { maxLength: LONGEST + 4 }),
    fc.constantFrom([0], [0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0]),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(few, key, few), { maxLength: 60 }), steps => {
      const memo = new BytesMemo(4, LONGEST, holding);
      for (const [before, wanted, behind] of steps) {
        const bytes = Buffer.concat([before, Buffer.from(wanted), behind]);
        const [start, end] = [before.length, before.length + wanted.length];
        const made = memo.recall(bytes, start, end);
        assert.deepEqual(made, holding(bytes, start, end));
        const again = memo.recall(Buffer.from(wanted), 0, wanted.length);
        if (made !== undefined && wanted.length <= LONGEST) assert.equal(again, made);
        else assert.deepEqual(again, made);
      }
    }),
  );
});

test('recall() keeps neither what is long nor more than its slots', () => {
  let made = 0;
  const count = (): number => {
    made += 1;
    return made;
  };
  const memo = new BytesMemo(8, LONGEST, count);
  const long = Buffer.alloc(LONGEST + 1);
  assert.notEqual(memo.recall(long, 0, long.length), memo.recall(long, 0, long.length));
  assert.equal(memo.recall(long, 0, LONGEST), memo.recall(long, 0, LONGEST));
  const key = Buffer.alloc(4);
  for (let i = 0; i < 2000; i++) {
    key.writeInt32LE(i);
    memo.recall(key, 0, 4);
  }
  const before = made;
  for (let i = 0; i < 2000; i++) {
    key.writeInt32LE(i);
    memo.recall(key, 0, 4);
  }
  assert.ok(made - before >= 2000 - 8, `${made - before} of 2000 were made again`);
});

test('recall() passes on what making throws, and keeps nothing then', () => {
  const memo = new BytesMemo(8, LONGEST, () => {
    throw new Error('no');
  });
  for (let i = 0; i < 2; i++) assert.throws(() => memo.recall(Buffer.from('a'), 0, 1), /no/);
});

test('what comes again finds room, up to a bound', () => {
  const keys = Array.from({ length: 64 }, (_, i) => Buffer.from(`key ${i}`));
  let made = 0;
  const memo = new BytesMemo(4, LONGEST, () => ({ number: ++made }), { mostSlots: 1024 });
  const round = (): number => {
    const before = made;
    for (const key of keys) for (let i = 0; i < 2; i++) memo.recall(key, 0, key.length);
    return made - before;
  };
  let last = round();
  for (let i = 0; i < 20; i++) last = round();
  assert.ok(last < keys.length / 4, `${last} of ${keys.length} are made anew`);
  let few = 0;
  const bounded = new BytesMemo(4, LONGEST, () => ({ number: ++few }), { mostSlots: 8 });
  for (let i = 0; i < 20; i++)
    for (const key of keys) for (let j = 0; j < 2; j++) bounded.recall(key, 0, key.length);
  assert.ok(few > 20 * (keys.length - 8), 'there are no more than eight');
});

test('what comes once is not kept, if it is to come twice', () => {
  const kept: boolean[] = [];
  const memo = new BytesMemo(
    8,
    LONGEST,
    (_bytes, _start, _end, isKept) => {
      kept.push(isKept);
      return { number: kept.length };
    },
    { second: true },
  );
  const key = Buffer.from('GET / HTTP/1.1');
  const [first, second, third] = [1, 2, 3].map(() => memo.recall(key, 0, key.length));
  assert.notEqual(second, first);
  assert.equal(third, second);
  assert.deepEqual(kept, [false, true]);
  // It counts as having come, however many others have come once.
  for (let i = 0; i < 1000; i++) memo.recall(Buffer.from(`once ${i}`), 0, `once ${i}`.length);
  assert.ok(kept.filter(each => each).length < 10);
  assert.equal(memo.recall(key, 0, key.length), second);
});

test('of what comes a second time, what has lost its slot is to come twice again', () => {
  const kept: string[] = [];
  const memo = new BytesMemo(
    1,
    100,
    (bytes, start, end, isKept) => {
      const text = bytes.toString('latin1', start, end);
      if (isKept) kept.push(text);
      return text;
    },
    { second: true },
  );
  const [one, other] = ['one', 'other'].map(each => Buffer.from(each)) as [Buffer, Buffer];
  for (const key of [one, one, other, other, one, other, one])
    assert.equal(memo.recall(key, 0, key.length), key.toString());
  assert.deepEqual(kept, ['one', 'other', 'one']);
});
