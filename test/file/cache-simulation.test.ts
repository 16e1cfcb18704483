import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CacheSimulation } from '../../src/file/cache-simulation.ts';
import { POLICY_NAMES } from '../../src/file/policies/index.ts';

const requests = fc.array(fc.record({ key: fc.nat(20), size: fc.nat(60) }), { maxLength: 200, size: 'max' });

test('a simulation never keeps more than the budget, and all if there is room for all', () => {
  fc.assert(
    fc.property(fc.constantFrom(...POLICY_NAMES), fc.nat(200), requests, (policy, budget, todo) => {
      const small = new CacheSimulation({ policy, budget });
      const large = new CacheSimulation({ policy, budget: 1e6 });
      const sizes = new Map<number, number>();
      for (const { key, size } of todo) {
        assert.equal(large.request(`${key}`, size), sizes.get(key) === size);
        sizes.set(key, size);
        const hit = small.request(`${key}`, size);
        assert(!hit || size <= budget);
        assert(small.bytes <= budget);
      }
      assert.equal(
        large.bytes,
        [...sizes.values()].reduce((sum, size) => sum + size, 0),
      );
      assert(small.hitRatio >= 0 && small.hitRatio <= large.hitRatio);
    }),
  );
});

test('a simulation that was asked for nothing has no hits', () => {
  const { hitRatio, byteHitRatio } = new CacheSimulation({ policy: 'gds', budget: 10 });
  assert.deepEqual([hitRatio, byteHitRatio], [0, 0]);
});

test('a simulation refuses sizes, budgets and policies that are none', () => {
  const cache = new CacheSimulation({ policy: 'lru', budget: 10 });
  assert.throws(() => cache.request('a', -1), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => cache.request('a', Number.NaN), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => new CacheSimulation({ policy: 'lru', budget: 0.5 }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => new CacheSimulation({ policy: 'fifo' as 'lru', budget: 1 }), {
    code: 'ERR_IOLITE_ARGUMENT',
  });
});
