import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines, TimedTask } from '../../src/base/deadlines.ts';

class Task extends TimedTask {
  readonly missed: () => void;

  constructor(missed: () => void) {
    super();
    this.missed = missed;
  }
}

test('what is met in time is forgotten, and what is missed is told once, in order', context => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    context.mock.timers.tick(milliseconds);
  };
  const deadlines = new Deadlines(100);
  const missed: number[] = [];
  const set = (id: number): Task => {
    const task = new Task(() => missed.push(id));
    deadlines.set(task);
    return task;
  };
  const first = set(1);
  set(2);
  pass(40);
  set(3);
  deadlines.met(first);
  deadlines.met(first);
  pass(60);
  assert.deepEqual(missed, [2]);
  pass(39);
  assert.deepEqual(missed, [2]);
  pass(1);
  assert.deepEqual(missed, [2, 3]);
  set(4);
  set(5);
  deadlines.end();
  pass(1000);
  set(6);
  pass(100);
  assert.deepEqual(missed, [2, 3, 6]);
});
