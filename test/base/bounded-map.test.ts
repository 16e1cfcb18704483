import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedMap } from '../../src/base/bounded-map.ts';

test('a bounded map is a map of what was put in last', () => {
  const step = fc.record({ key: fc.nat({ max: 12 }), value: fc.nat(), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
      const map = new BoundedMap<number, number>(limit);
      // A key keeps the place at which it was put in, also when its value changes.
      let model: [key: number, value: number][] = [];
      for (const { key, value, remove } of steps) {
        const known = model.find(entry => entry[0] === key);
        if (remove) {
          assert.equal(map.delete(key), known !== undefined);
          model = model.filter(entry => entry !== known);
        } else {
          assert.equal(map.set(key, value), map);
          if (known === undefined) model = [...model, [key, value] as [number, number]].slice(-limit);
          else known[1] = value;
        }
        assert.deepEqual([...map], model);
      }
    }),
  );
});
