import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holder } from '../../../chaos/actors/holder.ts';
import { Draw } from '../../../chaos/draw.ts';
import { makeRecord } from '../../../chaos/payload.ts';
import { Tally } from '../../../chaos/tally.ts';
import { createPool } from '../../../src/aggregate/pool.ts';

const LONG_MS = 2 ** 30;

function setting() {
  const wrong: string[] = [];
  const line = { tally: new Tally(), wrong: (what: string) => void wrong.push(what) };
  const holder = new Holder(line, new Draw(1), LONG_MS);
  const pool = createPool();
  const made = makeRecord(pool, 5000, { source: 1, version: 1, sequence: 1 });
  return { wrong, line, holder, pool, ...made };
}

test('what is right is verified twice, and let go of', () => {
  const { wrong, line, holder, pool, body, stamp } = setting();
  assert.ok(holder.take(body, [stamp]));
  assert.equal(holder.size, 1);
  holder.clear();
  assert.deepEqual(wrong, []);
  assert.equal(line.tally.of('bytesVerified'), 10_000);
  assert.ok(body.released);
  pool.close();
});

test('a wrong byte is found when it comes', () => {
  const { wrong, holder, pool, body, stamp } = setting();
  body.write(4000, Buffer.of(body.at(4000) ^ 1));
  assert.equal(holder.take(body, [stamp]), false);
  assert.match(wrong[0] ?? '', /^at once: record 1 of 1/);
  assert.ok(body.released);
  pool.close();
});

test('a byte that changes while it is held is found', () => {
  const { wrong, holder, pool, body, stamp } = setting();
  const [view] = body.views();
  holder.take(body, [stamp]);
  // As nobody can but its owner, of a pool that refills.
  view![4000]! ^= 1;
  holder.clear();
  assert.match(wrong[0] ?? '', /^after it was held: record 1 of 1/);
  pool.close();
});
