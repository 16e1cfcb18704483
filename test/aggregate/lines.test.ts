import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../src/aggregate/pool.ts';
import { sliced, slicings } from '../support/slicing.ts';

test('lines() gives each line without its end, over any borders', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '\r\n', ' '), maxLength: 60 });
  fc.assert(
    fc.property(text, slicings, (written, lengths) => {
      const pool = createPool({ memory: 'heap' });
      const aggregate = sliced(pool, Buffer.from(written), lengths);
      const lines: string[] = [];
      for (const line of aggregate.lines()) {
        lines.push(line.toString());
        line.release();
      }
      const wanted = written.split('\n');
      const last = wanted.pop();
      const complete = wanted.map(line => line.replace(/\r$/, ''));
      assert.deepEqual(lines, last === '' ? complete : [...complete, last]);
      aggregate.release();
      pool.close();
      assert.equal(pool.stats().chunks, 0);
    }),
    { numRuns: 1000 },
  );
});

test('lines() holds nothing when the consumer stops early, and sees no later change', () => {
  const pool = createPool({ memory: 'heap' });
  const aggregate = pool.from('one\ntwo\nthree');
  for (const line of aggregate.lines()) {
    line.release();
    break;
  }
  const seen: string[] = [];
  for (const line of aggregate.lines()) {
    seen.push(line.toString());
    line.release();
    aggregate.truncate(2);
  }
  assert.deepEqual(seen, ['one', 'two', 'three']);
  aggregate.release();
  assert.throws(() => aggregate.lines(), { code: 'ERR_IOLITE_RELEASED' });
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});
