import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Waiter, WaitQueue } from '../../../src/ipc/flow/wait-queue.ts';
import { watchdog } from '../../support/watchdog.ts';

/** One that notes what becomes of it. */
function waiter(log: string[], name: string): Waiter<number> {
  return {
    start: turn => void log.push(`${name} starts with ${turn}`),
    refuse: reason => void log.push(`${name} is refused: ${(reason as Error).message}`),
  };
}

test('who comes first is admitted first, and who leaves is not', () => {
  const log: string[] = [];
  const queue = new WaitQueue<number>(undefined, 3, () => new Error('busy'));
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => waiter(log, name)) as [
    Waiter<number>,
    Waiter<number>,
    Waiter<number>,
    Waiter<number>,
  ];
  assert.deepEqual(
    [a, b, c, d].map(each => queue.enter(each)),
    [true, true, true, false],
  );
  queue.leave(b);
  queue.leave(b);
  assert.equal(queue.size, 2);
  for (const turn of [1, 2, 3]) queue.admit(turn);
  assert.deepEqual(log, ['d is refused: busy', 'a starts with 1', 'c starts with 2']);
  queue.enter(a);
  queue.enter(b);
  queue.refuseAll(new Error('closed'));
  assert.deepEqual(log.slice(3), ['a is refused: closed', 'b is refused: closed']);
  assert.equal(queue.size, 0);
});

test('who waits for too long is refused', async () => {
  const queue = new WaitQueue<number>(1, 1, () => new Error('busy'));
  const refused = new Promise(resolve => queue.enter({ start: () => {}, refuse: resolve }));
  assert.equal(((await watchdog(refused, 'the refusal')) as Error).message, 'busy');
  assert.equal(queue.size, 0);
});
