import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { syntheticTrace } from '../../../src/cli/bench/trace/synthetic.ts';
import { CacheSimulation } from '../../../src/store/policies/cache-simulation.ts';
import { createPolicy, POLICY_NAMES, type PolicyName } from '../../../src/store/policies/index.ts';
import type { CacheEntry, CachePolicy } from '../../../src/store/policy.ts';
import { Store } from '../../../src/store/store.ts';

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

test('a simulation keeps nothing that its policy does not admit, and asks once room is short', () => {
  const lru = createPolicy('lru', 1000);
  const asked: string[] = [];
  const policy = {
    name: 'choosy',
    added: (entry: CacheEntry) => lru.added(entry),
    hit: (entry: CacheEntry) => lru.hit(entry),
    removed: (entry: CacheEntry, evicted: boolean) => lru.removed(entry, evicted),
    victim: (eligible: (entry: CacheEntry) => boolean) => lru.victim(eligible),
    admit: ({ key, size }: CacheEntry) => {
      asked.push(key);
      return size < 500;
    },
  };
  const cache = new CacheSimulation({ policy, budget: 1000 });
  for (const [key, size] of Object.entries({ a: 600, b: 400, c: 500, d: 1001, e: 0, f: 300 }))
    cache.request(key, size);
  assert.deepEqual(asked, ['c', 'f']);
  assert.deepEqual(
    ['c', 'd', 'b', 'e', 'f'].map(key => cache.request(key, { b: 400, e: 0, f: 300 }[key] ?? 500)),
    [false, false, true, true, true],
  );
});

test('a scan of files of all sizes leaves what is read again and again, where it has to be admitted', () => {
  const cache = new CacheSimulation({ policy: 'gdsf', budget: 1_000_000 });
  const hitsOfAll = (): number => {
    let hits = 0;
    for (let i = 0; i < 50; i++) if (cache.request(`page ${i}`, 1000 + i)) hits += 1;
    return hits;
  };
  for (let round = 0; round < 5; round++) hitsOfAll();
  // From nothing to more than there is room for.
  const sizes = [0, 1, 50_000, 400_000, 999_999, 1_000_000, 1_000_001, 2 ** 40];
  for (let i = 0; i < 400; i++) {
    cache.request(`scanned ${i}`, sizes[i % sizes.length] as number);
    assert.ok(cache.bytes <= 1_000_000);
    if (i % 20 === 0) assert.equal(hitsOfAll(), 50);
  }
});

for (const name of POLICY_NAMES) {
  test(`${name}: who follows another through a large file finds what that one has read`, () => {
    const budget = 16 * 1024 ** 2;
    const own = createPolicy(name, budget);
    // A store does not ask whether it is to admit extents.
    const policy: CachePolicy = {
      name: 'extents',
      added: entry => own.added(entry),
      hit: entry => own.hit(entry),
      removed: (entry, evicted) => own.removed(entry, evicted),
      victim: eligible => own.victim(eligible),
    };
    const cache = new CacheSimulation({ policy, budget });
    for (let i = 0; i < 5000; i++) cache.request(`small ${i % 900}`, 17_000);
    let hits = 0;
    for (let i = 0; i < 128 + 6; i++) {
      for (const index of [i, i - 1, i - 3, i - 6])
        if (index >= 0 && index < 128 && cache.request(`7\0${index}`, 1024 ** 2)) hits += 1;
    }
    // Of three quarters of 512 requests, at most.
    assert.ok(hits > 230, `${hits} hits`);
  });
}

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
