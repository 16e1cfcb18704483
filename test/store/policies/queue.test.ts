import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Place, Queue } from '../../../src/store/policies/queue.ts';

test('a queue is a list that is pushed to and taken from anywhere', () => {
  const step = fc.record({
    what: fc.constantFrom('push', 'remove', 'back'),
    at: fc.nat(),
    size: fc.nat(1000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), steps => {
      const queue = new Queue<Place>();
      const model: Place[] = [];
      for (const { what, at, size } of steps) {
        const place = model[at % Math.max(1, model.length)];
        if (what === 'push' || place === undefined) {
          const pushed = new Place({ key: `${model.length}`, size });
          queue.push(pushed);
          model.push(pushed);
        } else {
          model.splice(model.indexOf(place), 1);
          if (what === 'remove') queue.remove(place);
          else {
            queue.moveToBack(place);
            model.push(place);
          }
        }
        assert.deepEqual(placesOf(queue), model);
        assert.equal(
          queue.bytes,
          model.reduce((sum, { entry }) => sum + entry.size, 0),
        );
      }
    }),
  );
});

/** From the front to the back, and the same way back. */
function placesOf(queue: Queue<Place>): Place[] {
  const places: Place[] = [];
  for (let place = queue.front; place !== undefined; place = place.after) {
    assert.equal(place.before, places.at(-1));
    places.push(place);
  }
  return places;
}
