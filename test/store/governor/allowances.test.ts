import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowances } from '../../../src/store/governor/allowances.ts';

function share(budget: number, footprint: number, leastAllowance = 0) {
  return { budget, footprint, leastAllowance };
}

test('with room for all, each may have its budget', () => {
  assert.deepEqual(allowances([share(100, 0), share(50, 50)], 100), [100, 50]);
  assert.deepEqual(allowances([share(100, 0), share(50, 60)], Number.POSITIVE_INFINITY), [100, 50]);
  assert.deepEqual(allowances([], 5), []);
});

test('room that is too small goes to those who lack most', () => {
  assert.deepEqual(allowances([share(100, 10), share(40, 10)], 60), [55, 25]);
});

test('what has to be given up is given up by those who have most', () => {
  assert.deepEqual(allowances([share(100, 90), share(100, 30)], -40), [60, 20]);
});

test('nobody is left with less than is of use, nor with more than the budget', () => {
  assert.deepEqual(allowances([share(100, 90, 16), share(10, 10, 16)], -1000), [16, 10]);
});

test('together they have no more than there is', () => {
  const shares = fc.array(
    fc.tuple(fc.nat(1000), fc.nat(1000)).map(([budget, footprint]) => share(budget, footprint)),
  );
  fc.assert(
    fc.property(shares, fc.integer({ min: -2000, max: 2000 }), (all, room) => {
      const allowed = allowances(all, room);
      const had = all.reduce((sum, { footprint }) => sum + footprint, 0);
      const sum = allowed.reduce((bytes, each) => bytes + each, 0);
      assert.ok(sum <= Math.max(0, had + room) + 1e-9);
      for (const [index, bytes] of allowed.entries())
        assert.ok(bytes >= 0 && bytes <= (all[index]?.budget ?? 0));
    }),
  );
});
