import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { syntheticTrace } from '../../src/cli/bench/trace/synthetic.ts';
import { CacheSimulation } from '../../src/store/cache-simulation.ts';
import { createPolicy, POLICY_NAMES, type PolicyName } from '../../src/store/policies/index.ts';
import { Store } from '../../src/store/store.ts';

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

/** The part of a trace's requests that the store of a file cache has in memory. */
function hitRatioOfStore(
  trace: ReturnType<typeof syntheticTrace>,
  policy: PolicyName,
  budget: number,
): number {
  const store = new Store({ budget, policy: createPolicy(policy, budget) });
  let hits = 0;
  for (const [i, file] of trace.files.entries()) {
    const name = trace.names[file] as string;
    const entry = store.get(name);
    if (entry !== undefined) {
      hits += 1;
      store.hit(entry);
      continue;
    }
    const room = store.allocate(trace.sizes[i] as number, name);
    if (room !== undefined) store.put(name, {}, undefined, room);
  }
  store.close();
  return hits / trace.files.length;
}

for (const policy of POLICY_NAMES) {
  test(`${policy}: the store of a file cache hits as a simulation of its live part does`, () => {
    const trace = syntheticTrace({ requests: 10_000, objects: 1500, alpha: 0.9, seed: 3 });
    const budget = Math.floor(trace.distinctBytes / 5);
    const simulated = (bytes: number): number => {
      const cache = new CacheSimulation({ policy, budget: bytes });
      for (const [i, file] of trace.files.entries()) {
        cache.request(trace.names[file] as string, trace.sizes[i] as number);
      }
      return cache.hitRatio;
    };
    const real = hitRatioOfStore(trace, policy, budget);
    const [low, high] = [simulated(Math.floor(budget * 0.6)), simulated(budget)];
    assert(real >= low && real <= high + 0.01, `${real} is not between ${low} and ${high}`);
  });
}
