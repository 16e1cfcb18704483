import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FullPool, type PoolWaiter, placedIn } from '../../src/aggregate/full-pool.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;

class Waiter implements PoolWaiter {
  isPlaced = false;
  error: Error | undefined;
  readonly placedBytes: number;
  readonly #hasRoom: () => boolean;

  constructor(placedBytes: number, hasRoom: () => boolean) {
    this.placedBytes = placedBytes;
    this.#hasRoom = hasRoom;
  }

  tryAgain(): boolean {
    this.isPlaced = this.#hasRoom();
    return this.isPlaced;
  }

  refuse(error: Error): void {
    this.error = error;
  }
}

test('room goes to those who have least of it first', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const full = new FullPool();
  let room = 0;
  const hasRoom = (): boolean => room-- > 0;
  const [much, none, some] = [1000, 0, 10].map(bytes => new Waiter(bytes, hasRoom)) as [
    Waiter,
    Waiter,
    Waiter,
  ];
  assert.equal(full.admits(1000), true);
  for (const waiter of [much, none, some]) full.enter(waiter);
  assert.deepEqual([full.admits(0), full.admits(10)], [false, false]);
  room = 2;
  context.mock.timers.tick(25);
  assert.deepEqual([none.isPlaced, some.isPlaced, much.isPlaced], [true, true, false]);
  assert.deepEqual([full.admits(999), full.admits(1000)], [true, false]);
  full.leave(much);
  assert.equal(full.admits(1000), true);
});

test('when nobody finds room for long who has most is refused, and the others wait on', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const full = new FullPool();
  const waiters = [5, 7, 6].map(bytes => new Waiter(bytes, () => false));
  for (const waiter of waiters) full.enter(waiter);
  const refused = (): boolean[] => waiters.map(({ error }) => error !== undefined);
  for (let look = 0; look < 81; look++) context.mock.timers.tick(25);
  assert.deepEqual(refused(), [false, true, false]);
  for (let look = 0; look < 81; look++) context.mock.timers.tick(25);
  assert.deepEqual(refused(), [false, true, true]);
});

test('a piece of a body waits until there is room', async () => {
  using pool = createPool({ limit: 2 * MiB });
  const held = pool.from(Buffer.alloc(MiB + MiB / 2));
  const piece = watchdog(placedIn(pool, Buffer.alloc(MiB, 'x'), 0), 'room');
  await new Promise(setImmediate);
  held.release();
  using placed = await piece;
  assert.equal(placed.length, MiB);
});
