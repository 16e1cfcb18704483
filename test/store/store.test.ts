import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPool } from '../../src/aggregate/pool.ts';
import type { PoolKind } from '../../src/memory/pool-options.ts';
import { createPolicy, POLICY_NAMES, type PolicyName } from '../../src/store/policies/index.ts';
import { LeastRecentlyUsed } from '../../src/store/policies/lru.ts';
import type { CacheEntry } from '../../src/store/policy.ts';
import { Store } from '../../src/store/store.ts';
import type { StoredVersion } from '../../src/store/stored-version.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

type Facts = { readonly seed: number };

function makeStore(budget: number, policy: PolicyName = 'lru', kind: PoolKind = 'recycle') {
  const pool = createPool({ name: 'store-test', kind, limit: Math.max(budget, 8192) });
  const store = new Store<Facts>({ budget, policy: createPolicy(policy, budget), pool });
  return { store, pool };
}

/** Bytes that differ from seed to seed and from place to place. */
function content(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = seed * 31 + i * 7 + (i >> 8);
  return bytes;
}

/** Puts content under a key, if there is room. */
function put(store: Store<Facts>, key: string, seed: number, length: number) {
  const room = store.allocate(length);
  if (room === undefined) return undefined;
  const bytes = content(seed, length);
  let from = 0;
  for (const piece of room.pieces) from += bytes.copy(piece.bytes, 0, from);
  return store.put(key, { seed }, undefined, room);
}

function check(held: StoredVersion<Facts>, length: number): void {
  assert.ok(held.content?.equals(content(held.facts.seed, length)), `content of ${held.key}`);
}

function charged(store: Store<Facts>): number {
  const { live, filling, dead, room, leased, headers } = store.stats();
  return live + filling + dead + room + leased + headers;
}

test('put() keeps content of any size, in pieces where it is larger than a segment', () => {
  const { store, pool } = makeStore(8 * MiB);
  for (const length of [0, 1, 64, 65, 100_000, MiB, 3 * MiB + 1]) {
    const entry = put(store, 'a', length, length);
    assert.ok(entry !== undefined);
    check(entry.held, length);
    assert.equal(store.stats().bytes, length);
  }
  store.close();
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('allocate() refuses what the budget has no room for at all', () => {
  for (const budget of [0, 1, 8192, 40_000]) {
    const { store, pool } = makeStore(budget);
    assert.equal(store.allocate(MiB), undefined);
    assert.ok(charged(store) <= budget);
    store.close();
    pool.close();
  }
});

test('allocate() asks the policy once room is short, and for whom it is told', () => {
  const asked: string[] = [];
  const policy = Object.assign(new LeastRecentlyUsed(), {
    admit: ({ key, size }: CacheEntry) => {
      asked.push(`${key} of ${size}`);
      return key.startsWith('worthy');
    },
  });
  const store = new Store({ budget: MiB, policy });
  const add = (key: string, told: string | undefined = key): boolean => {
    const room = store.allocate(50_000, told);
    if (room !== undefined) store.put(key, {}, undefined, room);
    return room !== undefined;
  };
  let added = 0;
  while (add(`unworthy ${added}`)) added += 1;
  assert.ok(added > 10, `${added} came in while there was room`);
  assert.deepEqual(asked, [`unworthy ${added} of 50000`]);
  assert.equal(store.evictions, 0);
  for (let i = 0; i < 40; i++) {
    assert.equal(add('unworthy'), false);
    assert.equal(store.admits(50_000, 'unworthy'), false);
  }
  assert.equal(store.evictions, 0);
  for (let i = 0; i < 40; i++) assert.ok(add(`worthy ${i}`));
  assert.ok(store.evictions > 10);
  const before = asked.length;
  assert.ok(store.allocate(50_000) !== undefined);
  assert.equal(store.allocate(MiB, 'too large'), undefined);
  assert.equal(asked.length, before);
  store.close();
});

test('content that is held past its eviction is counted, and its memory is not used again', () => {
  const { store, pool } = makeStore(2 * MiB);
  const held: { held: StoredVersion<Facts>; length: number }[] = [];
  for (let i = 0; i < 40; i++) {
    const entry = put(store, `${i}`, i, 100 * KiB);
    if (entry !== undefined) held.push({ held: entry.held.retain(), length: 100 * KiB });
    assert.ok(charged(store) <= 2 * MiB);
    assert.ok(pool.stats().bytesMapped <= 2 * MiB);
  }
  // Everything is in use: so what is in use had to go, and its memory is held still.
  assert.equal(put(store, 'more', 1, 100 * KiB), undefined);
  for (const each of held) check(each.held, each.length);
  for (const each of held) each.held.release();
  assert.ok(put(store, 'more', 1, 100 * KiB) !== undefined);
  store.close();
  pool.close();
});

test('an entry in use outlives unused ones', () => {
  const { store, pool } = makeStore(MiB);
  const used = put(store, 'used', 1, 20 * KiB);
  const holder = used?.held.retain();
  for (let i = 0; i < 200; i++) put(store, `${i}`, i, 20 * KiB);
  assert.equal(store.get('used'), used);
  assert.ok(store.stats().evictions > 100);
  check(used?.held as StoredVersion<Facts>, 20 * KiB);
  holder?.release();
  for (let i = 0; i < 200; i++) put(store, `${i}`, i, 20 * KiB);
  assert.equal(store.get('used'), undefined);
  store.close();
  pool.close();
});

test('segments that are mostly dead are cleaned, and who holds content that was moved keeps it', () => {
  const { store, pool } = makeStore(2 * MiB);
  for (let i = 0; i < 300; i++) put(store, `${i}`, i, 6 * KiB);
  const holder = store.get('299')?.held.retain();
  const left: number[] = [];
  store.listeners.add({ left: ({ serial }) => left.push(serial) });
  // Every second one goes, so that all segments are half dead.
  for (let i = 0; i < 300; i += 2) store.remove(`${i}`);
  for (let i = 0; i < 140; i++) assert.ok(put(store, `new ${i}`, i, 6 * KiB) !== undefined);
  assert.ok(store.stats().cleanings > 0);
  assert.ok(left.length > 150, 'moved versions are told of');
  for (let i = 1; i < 300; i += 2) {
    const entry = store.get(`${i}`);
    if (entry !== undefined) check(entry.held, 6 * KiB);
  }
  check(holder as StoredVersion<Facts>, 6 * KiB);
  holder?.release();
  store.close();
  pool.close();
});

test('amend() adds a form under a new serial, and takes it with the entry', () => {
  const { store, pool } = makeStore(MiB);
  const entry = put(store, 'a', 1, 1000);
  assert.ok(entry !== undefined);
  const before = entry.held.retain();
  const room = store.allocate(10);
  assert.ok(room !== undefined);
  room.pieces[0]?.bytes.fill('z');
  store.amend(entry, { facts: { seed: 1 }, form: { name: 'gzip', room } });
  assert.notEqual(entry.held.serial, before.serial);
  assert.equal(entry.held.forms.get('gzip')?.toString(), 'zzzzzzzzzz');
  assert.equal(before.forms.size, 0);
  check(entry.held, 1000);
  check(before, 1000);
  assert.equal(store.stats().bytes, 1010);
  assert.equal(store.bySerial(before.serial), undefined);
  assert.equal(store.bySerial(entry.held.serial), entry);
  before.release();
  store.remove('a');
  assert.equal(store.stats().bytes, 0);
  assert.equal(store.stats().live, 0);
  store.close();
  pool.close();
});

type Step =
  | { readonly do: 'put'; readonly key: number; readonly length: number }
  | { readonly do: 'remove' | 'hit' | 'hold' | 'drop' | 'form'; readonly key: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key: fc.nat(60),
      length: fc.oneof(fc.nat(5000), fc.nat(100_000)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'remove' as const,
        'hit' as const,
        'hold' as const,
        'drop' as const,
        'form' as const,
      ),
      key: fc.nat(60),
    }),
  },
);

for (const policy of POLICY_NAMES) {
  for (const kind of ['recycle', 'protect', 'seal'] as const) {
    test(`whatever happens, contents are right and the budget holds (${policy}, ${kind})`, () => {
      const runs = kind === 'recycle' ? 60 : 10;
      fc.assert(
        fc.property(
          fc.array(step, { maxLength: 300, size: 'max' }),
          fc.constantFrom(64 * KiB, 300 * KiB, MiB),
          (steps, budget) => run(steps, budget, policy, kind),
        ),
        { numRuns: runs },
      );
    });
  }
}

function run(steps: readonly Step[], budget: number, policy: PolicyName, kind: PoolKind): void {
  const { store, pool } = makeStore(budget, policy, kind);
  const lengths = new Map<number, number>();
  const held: { held: StoredVersion<Facts>; length: number }[] = [];
  try {
    for (const [seed, each] of steps.entries()) {
      const key = `${each.key}`;
      const entry = store.get(key);
      if (each.do === 'put') {
        if (put(store, key, seed, each.length) !== undefined) lengths.set(each.key, each.length);
      } else if (each.do === 'remove') store.remove(key);
      else if (each.do === 'drop') held.shift()?.held.release();
      else if (entry !== undefined && each.do === 'hit') store.hit(entry);
      else if (entry !== undefined && each.do === 'hold')
        held.push({ held: entry.held.retain(), length: lengths.get(each.key) ?? 0 });
      else if (entry !== undefined && each.do === 'form') {
        const room = store.allocate(500);
        if (room !== undefined) {
          let filled = 0;
          for (const { bytes } of room.pieces) filled += bytes.fill(seed).length;
          assert.equal(filled, 500);
          store.amend(entry, { form: { name: 'gzip', room } });
        }
      }
      assert.ok(charged(store) <= budget, `${charged(store)} bytes are charged`);
      assert.ok(pool.stats().bytesMapped <= Math.max(budget, 8192));
    }
    let bytes = 0;
    for (const entry of store.entries()) {
      check(entry.held, lengths.get(Number(entry.key)) ?? 0);
      bytes += entry.held.size;
    }
    assert.equal(store.stats().bytes, bytes);
    assert.equal(store.stats().live, bytes);
    for (const each of held) check(each.held, each.length);
  } finally {
    for (const each of held) each.held.release();
    store.close();
    pool.close();
  }
  assert.equal(pool.stats().chunks, 0, 'chunks are left');
}
