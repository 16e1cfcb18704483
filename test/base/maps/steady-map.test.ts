import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteadyMap } from '../../../src/base/maps/steady-map.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';

test('it is a Map, whatever comes and goes', () => {
  const random = new SeededRandom(7);
  const [steady, map] = [new SteadyMap<string, number>(), new Map<string, number>()];
  for (let step = 1; step <= 20_000; step++) {
    const key = `key ${Math.floor(random.uniform() * 500)}`;
    if (random.uniform() < 0.5) {
      steady.set(key, step);
      map.set(key, step);
    } else assert.equal(steady.delete(key), map.delete(key));
    assert.equal(steady.get(key), map.get(key));
    assert.equal(steady.has(key), map.has(key));
    assert.equal(steady.size, map.size);
    if (step % 1000 !== 0) continue;
    assert.deepEqual(new Set(steady.keys()), new Set(map.keys()));
    assert.deepEqual(new Set(steady.values()), new Set(map.values()));
  }
});

test('it can be emptied while it is walked through, and filled', () => {
  const map = new SteadyMap<number, number>();
  for (let key = 0; key < 1000; key++) map.set(key, key);
  const seen: number[] = [];
  for (const key of map.keys()) {
    seen.push(key);
    map.delete(key);
    map.delete(key + 1);
    if (key === 998) map.set(5000, 1);
  }
  assert.deepEqual(seen, [...Array.from({ length: 500 }, (_, place) => 2 * place), 5000]);
  assert.equal(map.size, 0);
});

// Of a Map it would take minutes.
test('a key that leaves and comes back among many costs no more than another', { timeout: 20_000 }, () => {
  const map = new SteadyMap<string, number>();
  for (let place = 0; place < 100_000; place++) map.set(`key:${place}`, place);
  for (let turn = 0; turn < 1_000_000; turn++) {
    map.delete('key:1');
    map.set('key:1', turn);
  }
  assert.equal(map.get('key:1'), 999_999);
  assert.equal(map.size, 100_000);
});
