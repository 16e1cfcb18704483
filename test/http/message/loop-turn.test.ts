import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { LoopTurn } from '../../../src/http/message/loop-turn.ts';

/** Work that takes all of a turn. */
function work(turn: LoopTurn): void {
  while (!turn.isOver);
}

test('what waits is called in later turns, in the order of asking, until they are over', async () => {
  const turn = new LoopTurn();
  const done: number[] = [];
  const asks = [1, 2, 3].map(n => () => {
    done.push(n);
    if (n > 1) work(turn);
  });
  work(turn);
  assert.equal(turn.isOver, true);
  for (const each of [...asks, ...asks]) turn.wait(each);
  assert.deepEqual(done, []);
  await setImmediate();
  assert.deepEqual(done, [1, 2]);
  await setImmediate();
  assert.deepEqual(done, [1, 2, 3]);
  await setImmediate();
  assert.deepEqual(done, [1, 2, 3]);
});

test('who waits again has the next turn, and what comes from outside one of its own', async () => {
  const turn = new LoopTurn();
  const done: string[] = [];
  const again = (): void => {
    done.push('again');
    if (done.length < 4) turn.wait(again);
  };
  turn.wait(again);
  turn.wait(() => done.push('other'));
  await setImmediate();
  assert.deepEqual(done, ['again', 'other']);
  assert.equal(turn.isOver, false);
  work(turn);
  await setImmediate();
  assert.deepEqual(done, ['again', 'other', 'again']);
  assert.equal(turn.isOver, false);
});
