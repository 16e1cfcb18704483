import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { Governor } from '../../src/store/governor/governor.ts';
import { Placement } from '../../src/store/placement.ts';
import { createPolicy } from '../../src/store/policies/index.ts';
import { Store } from '../../src/store/store.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;

function makeStore(budget: number): Store<{ readonly name: string }, undefined> {
  const pool = createPool({ name: 'placement-test', limit: Math.max(budget, 8192) });
  return new Store({ budget, policy: createPolicy('lru', budget), pool });
}

/** Fills all of a placement with one byte. */
function fill({ pieces }: Placement<never, never>, byte: number): number {
  for (const { bytes } of pieces) bytes.fill(byte);
  return pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

test('content that there is room for is put into the store', () => {
  const store = makeStore(4 * MiB);
  const placement = new Placement(store, 100_000);
  assert.equal(fill(placement as never, 7), 100_000);
  assert.equal(placement.takeContent(), undefined);
  const entry = store.put('key', { name: 'a' }, undefined, placement.takeRoom());
  assert.ok(entry.held.content?.equals(Buffer.alloc(100_000, 7)));
  assert.equal(placement.takeRoom(), undefined);
  assert.equal(store.stats().uncached, 0);
  store.close();
});

test('content beside the budget is whole, and counted where it should have been kept', () => {
  const store = makeStore(MiB);
  const large = new Placement(store, 2 * MiB);
  assert.equal(fill(large as never, 8), 2 * MiB);
  assert.equal(large.takeRoom(), undefined);
  using content = large.takeContent();
  assert.ok(content?.equals(Buffer.alloc(2 * MiB, 8)));
  assert.equal(store.stats().uncached, 1);
  using copy = Placement.copyOf(store, Buffer.from('small')).takeContent();
  assert.equal(copy?.toString(), 'small');
  assert.equal(store.stats().uncached, 1);
  store.close();
});

test('what is discarded leaves nothing', () => {
  const store = makeStore(4 * MiB);
  const before = store.stats();
  const placements = [100, 100_000].map(length => new Placement(store, length));
  assert.notEqual(store.stats().filling, before.filling);
  for (const placement of placements) placement.discard();
  assert.equal(store.stats().filling, before.filling);
  const beside = new Placement(store, 100, false);
  beside.discard();
  assert.equal(beside.takeContent(), undefined);
  store.close();
});

test('while memory is short, content waits until there is some', async () => {
  let used = 0;
  const read = () => ({ limit: 64 * MiB, used, reclaimable: 0, strains: 0, stalled: 0 });
  const governor = new Governor({ gauge: { read }, complain: () => {} });
  const store = new Store({ budget: 4 * MiB, policy: createPolicy('lru', 4 * MiB), governor });
  const first = await Placement.forContent(store, 100_000);
  assert.equal(first.pieces.length, 1);
  first.discard();
  used = 62 * MiB;
  governor.look();
  const waiting = Placement.forContent(store, 100_000);
  used = 0;
  const second = await watchdog(waiting, 'memory');
  assert.ok(second.takeRoom() !== undefined);
  store.close();
});

test('what is given out beside the budget is counted, and bounded', () => {
  const store = makeStore(MiB);
  const kept: (Disposable | undefined)[] = [];
  const give = (): void => {
    const placement = new Placement(store, 2 * MiB);
    kept.push(placement.takeContent());
  };
  assert.throws(
    () => {
      for (;;) give();
    },
    { code: 'ERR_IOLITE_LIMIT' },
  );
  const { beside } = store.stats();
  assert.ok(beside >= 64 * MiB && beside <= 67 * MiB, `${beside} bytes beside`);
  for (const content of kept.splice(0)) content?.[Symbol.dispose]();
  give();
  assert.ok(store.stats().beside < 3 * MiB);
  kept[0]?.[Symbol.dispose]();
  assert.equal(store.stats().beside, 0);
  store.close();
});
