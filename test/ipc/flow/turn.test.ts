import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Turn } from '../../../src/ipc/flow/turn.ts';

/** Work that takes all of a turn. */
function work(turn: Turn): void {
  turn.begin();
  while (!turn.isOver);
  turn.end();
}

test('what is left over waits for later turns, one after the other, in the order of asking', async () => {
  const turn = new Turn();
  const done: number[] = [];
  const asks = [1, 2, 3].map(n => () => {
    done.push(n);
    work(turn);
  });
  work(turn);
  turn.begin();
  assert.equal(turn.isOver, true);
  turn.end();
  for (const each of [...asks, ...asks]) turn.wait(each);
  turn.forget(asks[1] as () => void);
  assert.deepEqual(done, []);
  await setImmediate();
  assert.deepEqual(done, [1]);
  await setImmediate();
  assert.deepEqual(done, [1, 3]);
  await setImmediate();
  assert.deepEqual(done, [1, 3]);
  turn.begin();
  assert.equal(turn.isOver, false);
  turn.end();
});

test('who waits in turn can ask again, and the others come first', async () => {
  const turn = new Turn();
  const done: string[] = [];
  const again = (): void => {
    done.push('again');
    work(turn);
    if (done.length < 4) turn.wait(again);
  };
  turn.wait(again);
  turn.wait(() => done.push('other'));
  for (let i = 0; i < 6; i++) await setImmediate();
  assert.deepEqual(done, ['again', 'other', 'again', 'again']);
});

test('a turn is over when many handlers go on behind it, and the next is not', async () => {
  const turn = new Turn();
  const counts: number[] = [];
  const deliver = (): void => {
    turn.begin();
    let count = 0;
    for (; count < 1000 && !turn.isOver; count++) turn.handlerGoesOn();
    turn.end();
    counts.push(count);
    if (counts.length < 4) turn.wait(deliver);
  };
  deliver();
  turn.wait(() => counts.push(0));
  assert.deepEqual(counts, [64]);
  for (let i = 0; i < 8; i++) await setImmediate();
  assert.deepEqual(counts, [64, 64, 0, 64]);
  // Few are not counted turn by turn.
  turn.begin();
  turn.handlerGoesOn();
  assert.equal(turn.isOver, false);
  turn.end();
});
