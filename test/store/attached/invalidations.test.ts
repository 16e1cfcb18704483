import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Invalidations } from '../../../src/store/attached/invalidations.ts';

test('an invalidation counts until it is settled, and no other key is the worse for it', () => {
  const invalidations = new Invalidations();
  assert.equal(invalidations.of('a'), 0);
  invalidations.add('a', 10);
  invalidations.add('b', 11);
  invalidations.add('a', 12);
  assert.deepEqual(
    ['a', 'b', 'c'].map(key => invalidations.of(key)),
    [12, 11, 0],
  );
  invalidations.settle('a');
  assert.deepEqual(
    ['a', 'b', 'c'].map(key => invalidations.of(key)),
    [0, 11, 0],
  );
  assert.equal(invalidations.size, 1);
});

test('very many leave a bounded number of keys, and none is forgotten', () => {
  const invalidations = new Invalidations();
  const count = 300_000;
  for (let time = 1; time <= count; time++) {
    invalidations.add(`key ${time}`, time);
    assert.ok(invalidations.size <= 2000);
  }
  for (let time = 1; time <= count; time++) assert.ok(invalidations.of(`key ${time}`) >= time);
  assert.equal(invalidations.of(`key ${count}`), count);
  assert.equal(invalidations.of(`key ${count - 999}`), count - 999, 'the last thousand are known exactly');
});

test('whatever is added and settled, no key counts as invalidated earlier than it was', () => {
  const step = fc.record({
    settle: fc.boolean(),
    key: fc.nat(4000),
    times: fc.integer({ min: 1, max: 1500 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const invalidations = new Invalidations();
      const model = new Map<string, number>();
      let time = 0;
      for (const { settle, key, times } of steps) {
        for (let i = 0; i < times; i++) {
          const name = `${(key + i) % 4000}`;
          if (settle) {
            invalidations.settle(name);
            model.delete(name);
          } else {
            time += 1;
            invalidations.add(name, time);
            model.set(name, time);
          }
        }
        for (const [name, at] of model)
          assert.ok(invalidations.of(name) >= at && invalidations.of(name) <= time);
        assert.ok(invalidations.size <= 2000);
      }
    }),
    { numRuns: 50 },
  );
});
