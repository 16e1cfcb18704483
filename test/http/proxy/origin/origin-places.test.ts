import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OriginPlaces, PlaceHolder } from '../../../../src/http/proxy/origin/origin-places.ts';

class Holder extends PlaceHolder {
  begun = 0;

  protected begin(): void {
    this.begun += 1;
  }

  protected refused(): void {}
}

test('a stream takes one place, however often it is said to stay open', () => {
  const places = new OriginPlaces({ connections: 1, maxStreams: 1 }, () => {});
  const [one, other] = [new Holder(), new Holder()];
  places.enter(one);
  // As its head says so, and again as it has taken long.
  assert.equal(places.enterStream(one), true);
  assert.equal(places.enterStream(one), true);
  assert.equal(places.streams, 1);
  assert.equal(places.enterStream(other), false);
  places.leave(one);
  assert.equal(places.streams, 0);
  assert.equal(places.enterStream(other), true);
});

test('places are given back, in whatever order things happen', () => {
  const what = fc.constantFrom('enter', 'stream', 'leave');
  fc.assert(
    fc.property(fc.array(fc.tuple(what, fc.nat(7))), steps => {
      const places = new OriginPlaces({ connections: 2, maxStreams: 3 }, () => {});
      const holders = Array.from({ length: 8 }, () => new Holder());
      for (const [step, number] of steps) {
        const holder = holders[number] as Holder;
        if (step === 'leave') places.leave(holder);
        else if (step === 'enter') {
          if (holder.place === 'none') places.enter(holder);
        } else if (holder.place !== 'waiting') places.enterStream(holder);
        const held = (place: string): number => holders.filter(each => each.place === place).length;
        assert.equal(places.streams, held('stream'));
        assert.ok(held('short') <= 2 && held('stream') <= 3);
        assert.ok(held('waiting') === 0 || held('short') === 2);
      }
      for (const holder of holders) places.leave(holder);
      const [one, two] = [new Holder(), new Holder()];
      places.enter(one);
      places.enter(two);
      assert.deepEqual([one.begun, two.begun, places.streams], [1, 1, 0]);
      places.close(new Error('over'));
    }),
  );
});
