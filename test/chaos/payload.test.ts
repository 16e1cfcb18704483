import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultOf, LEAST_RECORD_BYTES, makeRecord, type Stamp } from '../../chaos/payload.ts';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';

const ORIGIN = { source: 3, version: 1 };

test('records are right as they were made, one or several, wherever the slices are cut', () => {
  using pool = createPool();
  const made = [LEAST_RECORD_BYTES, 25, 5000, 300_000].map((length, sequence) =>
    makeRecord(pool, length, { ...ORIGIN, sequence }),
  );
  using whole = Aggregate.concat(made.map(({ body }) => body));
  const stamps = made.map(({ stamp }) => stamp);
  assert.equal(faultOf(whole, stamps), undefined);
  // A header that lies in two slices.
  using head = whole.slice(0, 10);
  using rest = whole.slice(10);
  using cut = Aggregate.concat([head, rest]);
  assert.equal(faultOf(cut, stamps), undefined);
  for (const { body } of made) body.release();
});

test('a wrong byte is found wherever it is, and so are another record, another life, missing bytes', () => {
  using pool = createPool();
  const { body, stamp } = makeRecord(pool, 5000, { ...ORIGIN, sequence: 9 });
  for (const at of [0, 5, 9, 13, 17, 21, LEAST_RECORD_BYTES, 2500, 4999]) {
    using planted = body.duplicate();
    planted.write(at, Buffer.from([planted.at(at) ^ 0x10]));
    assert.match(faultOf(planted, [stamp]) ?? 'nothing is found', /record 9 of 3/, `byte ${at}`);
  }
  const others: Partial<Stamp>[] = [{ sequence: 8 }, { version: 2 }, { source: 4 }];
  for (const other of others) assert.notEqual(faultOf(body, [{ ...stamp, ...other }]), undefined);
  using short = body.slice(0, 4999);
  assert.match(faultOf(short, [stamp]) ?? '', /4999 bytes in place of 5000/);
  body.release();
});
