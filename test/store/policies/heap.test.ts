import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Heap } from '../../../src/store/policies/heap.ts';

interface Item {
  rank: number;
  index: number;
}

const operation = fc.record({
  kind: fc.constantFrom(...(['add', 'add', 'remove', 'change'] as const)),
  rank: fc.integer(),
  at: fc.nat(),
});

test('a heap has the first item of those in it, whatever is added, removed and changed', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), todo => {
      const heap = new Heap<Item>((a, b) => a.rank < b.rank);
      const items: Item[] = [];
      for (const { kind, rank, at } of todo) {
        const item = items[at % items.length];
        if (kind === 'add') {
          const added = { rank, index: 0 };
          items.push(added);
          heap.add(added);
        } else if (item !== undefined && kind === 'remove') {
          items.splice(at % items.length, 1);
          heap.remove(item);
        } else if (item !== undefined) {
          item.rank = rank;
          heap.moved(item);
        }
        assert.equal(heap.size, items.length);
        const first = items.length === 0 ? undefined : Math.min(...items.map(({ rank }) => rank));
        assert.equal(heap.first?.rank, first);
      }
    }),
  );
});

test('a change compares O(log n) items', () => {
  let compared = 0;
  const heap = new Heap<Item>((a, b) => {
    compared += 1;
    return a.rank < b.rank;
  });
  const count = 2 ** 16;
  const items = Array.from({ length: count }, (_, i) => ({ rank: (i * 7919) % count, index: 0 }));
  // Two a level: which child comes first, and whether it comes before its parent.
  const most = 2 * 17 + 1;
  const assertFew = (change: () => void): void => {
    compared = 0;
    change();
    assert(compared <= most, `${compared} comparisons`);
  };
  for (const item of items) assertFew(() => heap.add(item));
  for (const [i, item] of items.entries()) {
    item.rank = (i * 104_729) % count;
    assertFew(() => heap.moved(item));
  }
  for (const item of items) assertFew(() => heap.remove(item));
});
