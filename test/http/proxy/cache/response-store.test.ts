import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { heapOf } from '../../../../src/http/proxy/cache/entry-heap.ts';
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
  store.put('a', facts(200), content)?.release();
  assert.deepEqual(store.look('a'), facts(200));
  using one = store.contentOf('a', store.look('a')!)!;
  using two = store.contentOf('a', store.look('a')!)!;
  assert.ok(one.equals(content));
  assert.deepEqual(
    one.slices().map(({ id }) => id),
    two.slices().map(({ id }) => id),
  );
  store.remove('a');
  assert.equal(store.look('a'), undefined);
  assert.equal(store.contentOf('a', facts(200)), undefined);
  assert.ok(one.equals(content));
  store.close();
});

test('renew() exchanges the facts it was told of, and no others', () => {
  const store = storeOf(8 * MiB);
  using pool = createPool();
  using content = pool.from('content');
  store.put('a', facts(200), content)?.release();
  const before = store.look('a')!;
  store.renew('a', before, facts(203));
  store.renew('a', before, facts(410));
  assert.deepEqual(store.look('a'), facts(203));
  using kept = store.contentOf('a', store.look('a')!)!;
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
  store.put('larger', facts(200), larger)?.release();
  assert.equal(store.look('larger'), undefined);
  for (let i = 0; i < 20; i++) store.put(`large-${i}`, facts(200), large)?.release();
  const kept = Array.from({ length: 20 }, (_, i) => store.look(`large-${i}`) !== undefined);
  assert.equal(kept[0], false);
  assert.equal(kept[19], true);
  assert.ok(kept.filter(Boolean).length * store.largest <= budget);
  for (let i = 0; i < 5000; i++) store.put(`empty-${i}`, facts(204), empty)?.release();
  const empties = Array.from({ length: 5000 }, (_, i) => store.look(`empty-${i}`)).filter(Boolean);
  assert.ok(empties.length <= budget / heapOf('empty-0', facts(204)), `${empties.length}`);
  assert.notEqual(store.look('empty-4999'), undefined);
  const none = storeOf(0);
  none.put('a', facts(200), empty)?.release();
  assert.equal(none.look('a'), undefined);
  none.close();
  store.close();
});

test('close() gives everything back but what is held', async () => {
  const before = await settledHoldings();
  const store = storeOf(8 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x'.repeat(300_000));
  store.put('a', facts(200), content)?.release();
  const held = store.contentOf('a', store.look('a')!)!;
  store.close();
  store.put('b', facts(200), content)?.release();
  assert.ok(held.equals(content));
  held.release();
  await holdingsReturnTo(before);
});

test('refusalOf() tells why a content would not be kept', () => {
  const store = storeOf(8 * MiB);
  assert.equal(store.refusalOf('a', facts(200), MiB), undefined);
  assert.equal(store.refusalOf('a', facts(200), Number.NaN), undefined);
  assert.equal(store.refusalOf('a', facts(200), MiB + 1), 'budget');
  assert.equal(store.refusalOf('a', facts(200), 64 * MiB + 1), 'too-large');
  store.close();
  assert.equal(store.refusalOf('a', facts(200), MiB), undefined);
  const none = storeOf(0);
  assert.equal(none.refusalOf('a', facts(200), Number.NaN), 'budget');
  none.close();
});

test('resize() bounds contents and how many there are anew', () => {
  const store = storeOf(16 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x'.repeat(1000));
  for (let i = 0; i < 4000; i++) store.put(`${i}`, facts(200), content)?.release();
  const kept = (): number =>
    Array.from({ length: 4000 }, (_, i) => store.look(`${i}`)).filter(Boolean).length;
  assert.equal(kept(), 4000);
  assert.equal(store.largest, 2 * MiB);
  store.resize(4 * MiB);
  const left = kept();
  assert.ok(left > 1000 && left * (1000 + heapOf('0', facts(200))) <= 4 * MiB, `${left}`);
  assert.equal(store.largest, MiB / 2);
  store.resize(0);
  assert.deepEqual([kept(), store.largest], [0, 0]);
  store.resize(16 * MiB);
  store.put('a', facts(200), content)?.release();
  assert.deepEqual(store.look('a'), facts(200));
  assert.equal(store.greeting.budget, 16 * MiB);
  store.close();
  assert.throws(() => store.resize(MiB), { code: 'ERR_IOLITE_CLOSED' });
});

test('what is known of contents counts in the budget, also when it grows', () => {
  const store = storeOf(4 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x');
  const wide = { ...facts(200), headers: ['X-Wide', 'x'.repeat(8000)] } as StoredFacts;
  const kept = (): number =>
    Array.from({ length: 1000 }, (_, i) => store.look(`${i}`)).filter(Boolean).length;
  for (let i = 0; i < 1000; i++) store.put(`${i}`, wide, content)?.release();
  assert.ok(kept() > 100 && kept() * 8000 <= 4 * MiB, `${kept()}`);
  for (let i = 0; i < 1000; i++) store.put(`${i}`, facts(200), content)?.release();
  assert.equal(kept(), 1000);
  for (let i = 0; i < 1000; i++) {
    const before = store.look(`${i}`);
    if (before !== undefined) store.renew(`${i}`, before, wide);
  }
  assert.ok(kept() * 8000 <= 4 * MiB, `${kept()}`);
  // What is asked for next finds room, be it large.
  using large = pool.from(Buffer.alloc(store.largest));
  for (const each of [content, large]) {
    using last = store.put('last', facts(200), each);
    assert.equal(last?.length, each.length);
  }
  const tooWide = { ...facts(200), headers: ['X-Wide', 'x'.repeat(MiB)] } as StoredFacts;
  assert.equal(store.put('wide', tooWide, content), undefined);
  assert.equal(store.refusalOf('wide', tooWide, 1), 'budget');
  store.close();
});

test('variants leave with what says by which fields they vary, and are so many at most', () => {
  const store = storeOf(16 * MiB);
  using pool = createPool({ memory: 'heap' });
  using content = pool.from('x');
  const fields: StoredFacts = { kind: 'variants', fields: ['accept'], epoch: '1' };
  store.put('a', fields, content)?.release();
  for (let i = 0; i < 150; i++) store.put(`a ${i}`, facts(200), content, 'a')?.release();
  const kept = Array.from({ length: 150 }, (_, i) => store.look(`a ${i}`) !== undefined);
  assert.equal(kept.filter(Boolean).length, 100);
  assert.deepEqual([kept[49], kept[50]], [false, true]);
  // One that takes the place of its own predecessor costs no other one its place.
  store.put('a 149', facts(200), content, 'a')?.release();
  assert.notEqual(store.look('a 50'), undefined);
  store.remove('a');
  assert.equal(store.look('a 149'), undefined);
  assert.equal(store.put('a 0', facts(200), content, 'a'), undefined);
  assert.equal(store.look('a 0'), undefined);
  store.close();
});

test('what is found by target and by group is what is kept, however much has come and gone', () => {
  const store = storeOf(MiB);
  using pool = createPool();
  using content = pool.from('content');
  const fills = 20_000;
  const kept = new Set<string>();
  for (let i = 0; i < fills; i++) {
    const key = `http://a/${i}`;
    store.put(key, { ...facts(200), groups: [`of ${i}`, 'all'] } as StoredFacts, content)?.release();
    kept.add(key);
    // Now and then, so that what was kept first is looked for, too.
    if (i % 1000 === 999) for (const each of kept) if (store.look(each) === undefined) kept.delete(each);
  }
  assert.ok(kept.size > 0 && kept.size < fills / 2, `${kept.size} are kept`);
  assert.deepEqual(new Set([...store.index.targets()].flatMap(([, keys]) => keys)), kept);
  assert.deepEqual(new Set(store.index.ofGroup('all')), kept);
  const groups = Array.from({ length: fills }, (_, i) => store.index.ofGroup(`of ${i}`).length);
  assert.equal(
    groups.reduce((sum, length) => sum + length, 0),
    kept.size,
  );
  store.close();
  assert.deepEqual([...store.index.targets()], []);
});
