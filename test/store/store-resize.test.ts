import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { createPool } from '../../src/aggregate/pool.ts';
import { Governor } from '../../src/store/governor/governor.ts';
import { createPolicy, POLICY_NAMES } from '../../src/store/policies/index.ts';
import { Store } from '../../src/store/store.ts';
import { watchdog } from '../support/watchdog.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

type Facts = { readonly seed: number };

function makeStore(budget: number, options: { refill?: boolean; governor?: Governor } = {}) {
  const { refill, governor } = options;
  const pool = refill === undefined ? undefined : createPool({ name: 'resize', limit: 64 * MiB, refill });
  const store = new Store<Facts>({ budget, policy: createPolicy('lru', budget), pool, governor });
  return { store, pool };
}

function put(store: Store<Facts>, key: string, length: number) {
  const room = store.allocate(length);
  if (room === undefined) return undefined;
  for (const { bytes } of room.pieces) bytes.fill(length % 251);
  return store.put(key, { seed: length % 251 }, undefined, room);
}

function fill(store: Store<Facts>, count: number, length = 100 * KiB): void {
  for (let i = 0; i < count; i++) put(store, `${i}`, length);
}

function charged(store: Store<Facts>): number {
  const { live, filling, dead, room, leased, headers } = store.stats();
  return live + filling + dead + room + leased + headers;
}

test('resize() to less gives memory back at once, by the policy, and keeps the rest', () => {
  const { store } = makeStore(32 * MiB);
  fill(store, 1000);
  assert.ok(store.bounds.footprint > 28 * MiB);
  store.resize(8 * MiB);
  assert.ok(store.bounds.footprint <= 8 * MiB);
  assert.ok(store.stats().bytes > 3 * MiB);
  assert.deepEqual([store.stats().budget, store.stats().allowance], [8 * MiB, 8 * MiB]);
  assert.ok(store.get('999') !== undefined && store.get('500') === undefined);
  fill(store, 1000);
  assert.ok(store.bounds.footprint <= 8 * MiB);
  store.close();
});

test('resize() to more makes room for more, and for larger contents', () => {
  const { store } = makeStore(2 * MiB);
  const before = store.segmentBytes;
  assert.equal(put(store, 'large', 4 * MiB), undefined);
  store.resize(64 * MiB);
  assert.ok(store.segmentBytes > before);
  assert.ok(put(store, 'large', 4 * MiB) !== undefined);
  fill(store, 400);
  assert.ok(store.stats().bytes > 40 * MiB);
  store.close();
});

test('what is held is given back when it is let go', async () => {
  for (const refill of [true, false]) {
    const { store, pool } = makeStore(16 * MiB, { refill });
    const held = Array.from({ length: 100 }, (_, i) => put(store, `${i}`, 100 * KiB)?.held.retain());
    store.resize(4 * MiB);
    assert.ok(charged(store) > 4 * MiB);
    for (const each of held) assert.equal(each?.content?.readUInt8(0), each?.facts.seed);
    for (const each of held) each?.release();
    // Others who map what is not refilled have some time to hear of that.
    const given = async (): Promise<void> => {
      while (charged(store) > 4 * MiB) await setImmediate();
    };
    await watchdog(given(), 'memory to be given back');
    fill(store, 100);
    assert.ok(charged(store) <= 4 * MiB);
    store.close();
    pool?.close();
  }
});

test('resize(0) keeps nothing, and there is a way back', () => {
  const { store } = makeStore(16 * MiB);
  fill(store, 100);
  store.resize(0);
  assert.deepEqual([store.stats().entries, store.bounds.footprint, store.segmentBytes], [0, 0, 0]);
  assert.equal(put(store, 'a', 100), undefined);
  store.resize(16 * MiB);
  assert.ok(put(store, 'a', 100) !== undefined);
  store.close();
});

test('confine() bounds the store below its budget, until it is told otherwise', () => {
  const { store } = makeStore(32 * MiB);
  const { segmentBytes } = store;
  fill(store, 1000);
  store.bounds.confine(10 * MiB);
  assert.ok(store.bounds.footprint <= 10 * MiB);
  assert.deepEqual(
    [store.budget, store.bounds.allowance, store.segmentBytes],
    [32 * MiB, 10 * MiB, segmentBytes],
  );
  // A budget that is changed meanwhile does not lift the bound.
  store.resize(64 * MiB);
  fill(store, 1000);
  assert.ok(store.bounds.footprint <= 10 * MiB);
  store.resize(4 * MiB);
  assert.equal(store.bounds.allowance, 4 * MiB);
  store.bounds.confine(1000 * MiB);
  assert.equal(store.bounds.allowance, 4 * MiB);
  store.close();
});

test('a policy follows the budget', () => {
  const budgets: number[] = [];
  const policy = { ...stub(), resized: (budget: number) => budgets.push(budget) };
  const store = new Store<Facts>({ budget: MiB, policy: createPolicy(policy as never, MiB) });
  store.resize(2 * MiB);
  assert.deepEqual(budgets, [2 * MiB]);
  store.close();
});

function stub() {
  return { name: 'own', added() {}, hit() {}, removed() {}, victim: () => undefined };
}

test('a store that is closed is not resized, nor governed', () => {
  const read = () => ({ limit: 100 * MiB, used: 0, reclaimable: 0, strains: 0, stalled: 0 });
  const governor = new Governor({ gauge: { read } });
  const { store } = makeStore(MiB, { governor });
  assert.equal(governor.running, true);
  store.close();
  assert.equal(governor.running, false);
  assert.throws(() => store.resize(1), { code: 'ERR_IOLITE_CLOSED' });
});

test('a governor bounds a store by what there is', () => {
  let others = 20 * MiB;
  const stores: Store<Facts>[] = [];
  const read = () => {
    const used = others + stores.reduce((sum, { bounds }) => sum + bounds.footprint, 0);
    return { limit: 64 * MiB, used, reclaimable: 0, strains: 0, stalled: 0 };
  };
  const governor = new Governor({ gauge: { read }, complain: () => {} });
  const { store } = makeStore(256 * MiB, { governor });
  stores.push(store);
  fill(store, 2000);
  assert.ok(read().used <= 64 * MiB && read().used > 40 * MiB);
  others = 45 * MiB;
  governor.look();
  assert.ok(read().used <= 64 * MiB - 7 * MiB, `${read().used}`);
  store.close();
});

test('a budget that is out of reach is divided as what can be had', () => {
  const read = () => ({ limit: 64 * MiB, used: 40 * MiB, reclaimable: 0, strains: 0, stalled: 0 });
  const governor = new Governor({ gauge: { read }, complain: () => {} });
  const { store } = makeStore(2 ** 40, { governor });
  assert.equal(store.segmentBytes, MiB);
  assert.ok(store.bounds.leastAllowance <= 4 * MiB);
  store.resize(2 ** 41);
  assert.equal(store.segmentBytes, MiB);
  assert.deepEqual([store.budget, store.bounds.allowance], [2 ** 41, 16 * MiB]);
  store.close();
});

test('whatever its budget becomes, contents are right and bounds hold', () => {
  const step = fc.record({
    kind: fc.constantFrom('put', 'put', 'put', 'get', 'resize', 'confine'),
    key: fc.nat(60),
    length: fc.nat(300 * KiB),
    budget: fc.nat(12 * MiB),
  });
  for (const name of POLICY_NAMES) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const store = new Store<Facts>({ budget: 8 * MiB, policy: createPolicy(name, 8 * MiB) });
        for (const { kind, key, length, budget } of steps) {
          if (kind === 'put') put(store, `${key}`, length);
          else if (kind === 'resize') store.resize(budget);
          else if (kind === 'confine') store.bounds.confine(budget);
          const held = store.get(`${key}`)?.held;
          if (held !== undefined && (held.content?.length ?? 0) > 0)
            assert.equal(held.content?.readUInt8(0), held.facts.seed);
          assert.ok(store.bounds.allowance <= store.budget);
          assert.ok(charged(store) <= store.bounds.allowance);
          assert.ok(store.bounds.footprint <= Math.max(store.bounds.allowance, 8192));
        }
        store.close();
      }),
      { numRuns: 30 },
    );
  }
});
