import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Figures, figuresOfKind, numbersOf, observe, sumOf } from '../../src/observe/sources.ts';
import { watchdog } from '../support/watchdog.ts';

class Counter {
  closed = false;
  readonly count: number;

  constructor(count: number) {
    this.count = count;
    observe('proxy', this, read);
  }
}

function read({ closed, count }: Counter): Figures | undefined {
  return closed ? undefined : { count };
}

test('figures are those of all that is there, until it is closed', () => {
  const [one, two] = [new Counter(1), new Counter(2)];
  assert.equal(sumOf('proxy', 'count'), 3);
  assert.equal(sumOf('proxy', 'other'), 0);
  one.closed = true;
  assert.deepEqual(figuresOfKind('proxy'), [{ count: 2 }]);
  two.closed = true;
  assert.deepEqual(figuresOfKind('proxy'), []);
});

test('who tells of itself is not held by that', async () => {
  // In a call of its own: a function that waits keeps what it has calculated with.
  const held = ((): WeakRef<Counter> => new WeakRef(new Counter(7)))();
  const collected = async (): Promise<void> => {
    // What was looked at is kept for the rest of that turn.
    do {
      await setImmediate();
      globalThis.gc?.();
      await setImmediate();
    } while (held.deref() !== undefined);
  };
  await watchdog(collected(), 'the collector');
  assert.deepEqual(figuresOfKind('proxy'), []);
});

test('numbersOf() leaves out what is none', () => {
  assert.deepEqual(numbersOf({ a: 1, b: 'text', c: true, d: 2 }), { a: 1, d: 2 });
});
