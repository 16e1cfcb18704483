import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  declareCounter,
  type Figures,
  type Labels,
  numbersOf,
  observe,
  readSources,
  type Sample,
} from '../../src/observe/sources.ts';
import { watchdog } from '../support/watchdog.ts';

class Counter {
  closed = false;
  readonly count: number;
  readonly labels: Labels;

  constructor(count: number, labels: Labels = {}) {
    this.count = count;
    this.labels = labels;
    observe('proxy', this, read);
  }
}

function read({ closed, count, labels }: Counter): readonly Sample[] | undefined {
  return closed ? undefined : [{ labels, figures: { count, now: count } }];
}

function samples(): readonly Sample[] {
  return readSources().get('proxy') ?? [];
}

test('figures are those of all that is there, until it is closed', () => {
  const [one, two] = [new Counter(1), new Counter(2, { of: 'two' })];
  assert.deepEqual(samples(), [
    { labels: {}, figures: { count: 1, now: 1 } },
    { labels: { of: 'two' }, figures: { count: 2, now: 2 } },
  ]);
  one.closed = true;
  assert.equal(samples().length, 1);
  two.closed = true;
  assert.deepEqual(samples(), []);
});

test('figures without labels are said shortly, and each source is asked once', () => {
  let asked = 0;
  const owner = {
    read(): Figures {
      asked += 1;
      return { chunks: 3 };
    },
  };
  observe('pool', owner, each => each.read());
  const found = readSources().get('pool') ?? [];
  assert.deepEqual(found.at(-1), { labels: {}, figures: { chunks: 3 } });
  assert.equal(asked, 1);
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
  assert.deepEqual(samples(), []);
});

test('what was counted stays when who has counted it goes, and what it held does not', () => {
  declareCounter('proxy', 'count');
  const counters = [new Counter(3), new Counter(4), new Counter(5, { of: 'another' })];
  samples();
  for (const each of counters) each.closed = true;
  const left = [
    { labels: {}, figures: { count: 7 } },
    { labels: { of: 'another' }, figures: { count: 5 } },
  ];
  assert.deepEqual(samples(), left);
  assert.deepEqual(samples(), left, 'once');
});

test('numbersOf() leaves out what is none', () => {
  assert.deepEqual(numbersOf({ a: 1, b: 'text', c: true, d: 2 }), { a: 1, d: 2 });
});
