import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparePolicies, parseBudget, replay } from '../../../src/cli/bench/compare-policies.ts';
import { syntheticTrace } from '../../../src/cli/bench/trace/synthetic.ts';
import { TraceBuilder } from '../../../src/cli/bench/trace/trace.ts';
import { DEFAULT_POLICY, POLICY_NAMES } from '../../../src/store/policies/index.ts';

function traceOf(...requests: readonly [name: string, size: number][]) {
  const builder = new TraceBuilder();
  for (const [name, size] of requests) builder.add(name, size);
  return builder.withStatedSizes();
}

test('budgets are a part of all bytes, or bytes with a unit', () => {
  for (const [text, budget] of [
    ['5%', { percent: 5 }],
    ['0.5%', { percent: 0.5 }],
    ['4096', { bytes: 4096 }],
    ['64k', { bytes: 65_536 }],
    ['64K', { bytes: 65_536 }],
    ['1.5M', { bytes: 1_572_864 }],
    ['2G', { bytes: 2 ** 31 }],
    ['0.3', { bytes: 0 }],
  ] as const) {
    assert.deepEqual(parseBudget(text), budget, text);
  }
  for (const text of ['', '%', 'k', '-1', '1T', '1 M', '1e3', '.5', '9007199254740993', '99999999G']) {
    assert.equal(parseBudget(text), undefined, text);
  }
});

test('replay() counts what was answered from memory, by requests and by bytes', () => {
  const trace = traceOf(['a', 100], ['b', 300], ['a', 100], ['b', 300], ['b', 300]);
  const all = replay(trace, 'lru', 1000);
  assert.deepEqual(all, { hitRatio: 3 / 5, byteHitRatio: 700 / 1100 });
  const none = replay(trace, 'lru', 0);
  assert.deepEqual(none, { hitRatio: 0, byteHitRatio: 0 });
  // There is room for b alone, which comes three times.
  assert.deepEqual(replay(trace, 'lru', 300), { hitRatio: 1 / 5, byteHitRatio: 300 / 1100 });
});

test('comparePolicies() replays for each budget and policy; per cents are of all bytes', () => {
  const trace = traceOf(['a', 100], ['b', 300], ['a', 100]);
  const rows = comparePolicies(trace, [{ percent: 50 }, { bytes: 7 }]);
  assert.deepEqual(
    rows.map(({ budget }) => budget),
    [200, 7],
  );
  for (const { budget, ratios } of rows) {
    assert.deepEqual(Object.keys(ratios).sort(), [...POLICY_NAMES].sort());
    for (const policy of POLICY_NAMES) assert.deepEqual(ratios[policy], replay(trace, policy, budget));
  }
});

for (const [what, once] of [
  ['by popularity', 0],
  ['with a third that are read once', 1 / 3],
] as const) {
  test(`the default policy answers most requests, and no fewer bytes than LRU, of requests ${what}`, () => {
    const load = { requests: 150_000, objects: 10_000, alpha: 0.9, seed: 1 };
    const { distinctBytes } = syntheticTrace(load);
    const budgets = [1, 5, 10, 20].map(share => ({ bytes: Math.floor((distinctBytes * share) / 100) }));
    for (const { budget, ratios } of comparePolicies(syntheticTrace({ ...load, once }), budgets)) {
      const ours = ratios[DEFAULT_POLICY];
      for (const policy of POLICY_NAMES)
        assert.ok(ours.hitRatio >= ratios[policy].hitRatio, `${budget} ${policy}`);
      assert.ok(ours.byteHitRatio > ratios.lru.byteHitRatio, `${budget}`);
    }
  });
}
