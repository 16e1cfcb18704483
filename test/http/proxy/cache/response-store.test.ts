import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../../src/aggregate/pool.ts';
import type { StoredFacts } from '../../../../src/http/proxy/cache/response-facts.ts';
import { ResponseStore } from '../../../../src/http/proxy/cache/response-store.ts';
import { createPolicy } from '../../../../src/store/policies/index.ts';
import { holdingsReturnTo, settledHoldings } from '../../../support/holdings.ts';

const MiB = 1024 ** 2;

function facts(status: number): StoredFacts {
  return { kind: 'response', status, headers: [], requestedAt: 0, receivedAt: 0 };
}

function storeOf(budget: number): ResponseStore {
  return new ResponseStore({ budget, policy: createPolicy('lru', budget), pool: undefined });
}

test('put() keeps one copy, in shared memory; contentOf() shares it', () => {
  const store = storeOf(8 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x'.repeat(100_000));
  store.put('a', facts(200), content);
  assert.deepEqual(store.look('a'), facts(200));
  using one = store.contentOf('a')!;
  using two = store.contentOf('a')!;
  assert.ok(one.equals(content));
  assert.deepEqual(
    one.slices().map(({ id }) => id),
    two.slices().map(({ id }) => id),
  );
  store.remove('a');
  assert.equal(store.look('a'), undefined);
  assert.equal(store.contentOf('a'), undefined);
  assert.ok(one.equals(content));
  store.close();
});

test('renew() exchanges the facts it was told of, and no others', () => {
  const store = storeOf(8 * MiB);
  using pool = createPool();
  using content = pool.from('content');
  store.put('a', facts(200), content);
  const before = store.look('a')!;
  store.renew('a', before, facts(203));
  store.renew('a', before, facts(410));
  assert.deepEqual(store.look('a'), facts(203));
  using kept = store.contentOf('a')!;
  assert.equal(kept.toString(), 'content');
  store.close();
});

test('the budget bounds contents, and how many there are', () => {
  const budget = 4 * MiB;
  const store = storeOf(budget);
  using pool = createPool();
  using large = pool.from(Buffer.alloc(store.largest));
  using larger = pool.from(Buffer.alloc(store.largest + 1));
  using empty = pool.from('');
  store.put('larger', facts(200), larger);
  assert.equal(store.look('larger'), undefined);
  for (let i = 0; i < 20; i++) store.put(`large-${i}`, facts(200), large);
  const kept = Array.from({ length: 20 }, (_, i) => store.look(`large-${i}`) !== undefined);
  assert.equal(kept[0], false);
  assert.equal(kept[19], true);
  assert.ok(kept.filter(Boolean).length * store.largest <= budget);
  for (let i = 0; i < 5000; i++) store.put(`empty-${i}`, facts(204), empty);
  const empties = Array.from({ length: 5000 }, (_, i) => store.look(`empty-${i}`)).filter(Boolean);
  assert.ok(empties.length <= budget / 4096, `${empties.length}`);
  assert.notEqual(store.look('empty-4999'), undefined);
  const none = storeOf(0);
  none.put('a', facts(200), empty);
  assert.equal(none.look('a'), undefined);
  none.close();
  store.close();
});

test('close() gives everything back but what is held', async () => {
  const before = await settledHoldings();
  const store = storeOf(8 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x'.repeat(300_000));
  store.put('a', facts(200), content);
  const held = store.contentOf('a')!;
  store.close();
  store.put('b', facts(200), content);
  assert.ok(held.equals(content));
  held.release();
  await holdingsReturnTo(before);
});

test('refusalOf() tells why a content would not be kept', () => {
  const store = storeOf(8 * MiB);
  assert.equal(store.refusalOf('a', MiB), undefined);
  assert.equal(store.refusalOf('a', Number.NaN), undefined);
  assert.equal(store.refusalOf('a', MiB + 1), 'budget');
  assert.equal(store.refusalOf('a', 64 * MiB + 1), 'too-large');
  store.close();
  assert.equal(store.refusalOf('a', MiB), undefined);
  const none = storeOf(0);
  assert.equal(none.refusalOf('a', Number.NaN), 'budget');
  none.close();
});

test('resize() bounds contents and how many there are anew', () => {
  const store = storeOf(16 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x'.repeat(1000));
  for (let i = 0; i < 4000; i++) store.put(`${i}`, facts(200), content);
  const kept = (): number =>
    Array.from({ length: 4000 }, (_, i) => store.look(`${i}`)).filter(Boolean).length;
  assert.equal(kept(), 4000);
  assert.equal(store.largest, 2 * MiB);
  store.resize(8 * MiB);
  assert.deepEqual([kept(), store.largest], [2048, MiB]);
  store.resize(0);
  assert.deepEqual([kept(), store.largest], [0, 0]);
  store.resize(16 * MiB);
  store.put('a', facts(200), content);
  assert.deepEqual(store.look('a'), facts(200));
  assert.equal(store.greeting.budget, 16 * MiB);
  store.close();
  assert.throws(() => store.resize(MiB), { code: 'ERR_IOLITE_CLOSED' });
});
