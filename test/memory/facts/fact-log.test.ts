import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { FactLog, findFact, MAX_FACT_BYTES } from '../../../src/memory/facts/fact-log.ts';

const START = 48;
const keyOf = (name: string): Buffer => createHash('sha256').update(name).digest().subarray(0, 16);
const newPage = (): Buffer => Buffer.from(new ArrayBuffer(4096));

test('facts are found under their keys, in their generation alone', () => {
  const page = newPage();
  const log = new FactLog(page, START);
  for (const size of [1, 4, 6, 32, 64]) assert(log.add(7, keyOf(`${size}`), Buffer.alloc(size, size)));
  for (const size of [1, 4, 6, 32, 64])
    assert.deepEqual(findFact(page, START, 7, keyOf(`${size}`)), Buffer.alloc(size, size));
  assert.equal(findFact(page, START, 7, keyOf('another')), undefined);
  for (const generation of [6, 8, 0xffff_ffff])
    assert.equal(findFact(page, START, generation, keyOf('1')), undefined);
  assert(log.add(0xffff_ffff, keyOf('last'), Buffer.of(1)));
  assert.deepEqual(findFact(page, START, 0xffff_ffff, keyOf('last')), Buffer.of(1));
  assert.equal(findFact(page, START, 7, keyOf('1')), undefined);
});

test('nothing is left of a generation when the next begins', () => {
  const page = newPage();
  page.fill(1, 0, START);
  const log = new FactLog(page, START);
  for (let i = 0; i < 30; i++) log.add(1, keyOf(`${i}`), Buffer.alloc(32, 255));
  log.add(2, keyOf('x'), Buffer.of(9));
  assert.equal(page.indexOf(255), -1);
  log.clear();
  assert(page.subarray(START).every(byte => byte === 0));
  assert(
    page.subarray(0, START).every(byte => byte === 1),
    'what is before the log is not touched',
  );
});

test('it takes as much as the page has room for, and each fact once', () => {
  const page = newPage();
  const log = new FactLog(page, START);
  let count = 0;
  while (log.add(1, keyOf(`${count}`), Buffer.alloc(32))) count += 1;
  assert.equal(count, Math.floor((4096 - START) / 56));
  assert(log.add(1, keyOf('0'), Buffer.alloc(32)), 'what is there is added');
  assert.equal(new FactLog(page, START).add(1, keyOf('long'), Buffer.alloc(MAX_FACT_BYTES + 1)), false);
  assert.equal(new FactLog(newPage(), 4080).add(1, keyOf('0'), Buffer.of(1)), false);
});

test('whatever a hostile owner writes, nothing is read beyond the page', () => {
  const random = new SeededRandom(17);
  for (let round = 0; round < 3000; round++) {
    const page = newPage();
    const words = new Int32Array(page.buffer);
    for (let i = START / 4; i < words.length; i++) {
      const choice = Math.floor(random.uniform() * 4);
      words[i] = [1, random.uniform() * 2 ** 32, random.uniform() * 80, -1][choice] as number;
    }
    const fact = findFact(page, START, 1, keyOf('0'));
    assert(fact === undefined || fact.length <= MAX_FACT_BYTES);
  }
});
