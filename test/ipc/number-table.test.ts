import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumberTable } from '../../src/ipc/number-table.ts';

test('a NumberTable does what a Map does, with numbers near and far', () => {
  const number = fc.oneof(
    fc.nat({ max: 20 }),
    fc.nat({ max: 3 }).map(i => i * 256 + 7),
    fc.constantFrom(0, 255, 256, 2 ** 31, 2 ** 32 - 1),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), number), { maxLength: 200 }), steps => {
      const table = new NumberTable<{ of: number }>();
      const model = new Map<number, { of: number }>();
      for (const [adds, of] of steps) {
        if (adds && !model.has(of)) {
          const value = { of };
          table.add(of, value);
          model.set(of, value);
        } else if (!adds) {
          assert.equal(table.take(of), model.get(of));
          model.delete(of);
        }
        assert.equal(table.has(of), model.has(of));
        assert.equal(table.get(of), model.get(of));
      }
      assert.deepEqual(new Map(table.entries()), model);
      for (const each of model.keys()) assert.equal(table.get(each), model.get(each));
    }),
  );
});
