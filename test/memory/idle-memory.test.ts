import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idleMemory } from '../../src/memory/idle-memory.ts';

/** Gives so much back with each look, until nothing is left. */
function owner(bytes: number) {
  return {
    bytes,
    looks: 0,
    giveBackUnused() {
      this.looks += 1;
      this.bytes -= 1;
      return this.bytes > 0;
    },
    trim(left: number) {
      const given = this.bytes - left;
      this.bytes = left;
      return given;
    },
  };
}

test('who has idle memory is asked for it every few seconds, until there is none', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const [one, two] = [owner(1), owner(3)];
  for (const each of [one, two, one, two]) idleMemory.add(each);
  context.mock.timers.tick(1999);
  assert.deepEqual([one.looks, two.looks], [0, 0]);
  for (let i = 0; i < 10; i++) context.mock.timers.tick(2000);
  assert.deepEqual([one.looks, two.looks], [1, 3]);
  idleMemory.add(one);
  idleMemory.remove(one);
  context.mock.timers.tick(4000);
  assert.equal(one.looks, 1);
});

test('all of it can be had at once', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const [one, two] = [owner(5), owner(7)];
  idleMemory.add(one);
  idleMemory.add(two);
  assert.equal(idleMemory.trim(), 12);
  assert.deepEqual([one.bytes, two.bytes], [0, 0]);
  context.mock.timers.tick(2000);
});
