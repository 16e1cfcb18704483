import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, type Protocol } from '../../model/checker.ts';

/** A counter below `size`, with the steps given; the world may choose to go on by one as well. */
function counter(
  size: number,
  fairSteps: (count: number) => number[],
  more: Partial<Protocol> = {},
): Protocol {
  return {
    initial: Uint8Array.of(0),
    steps: ([count = 0], visit) => {
      for (const next of fairSteps(count))
        visit(true, Uint8Array.of(next), () => `${count} falls to ${next}`);
      if (count + 1 < size) visit(false, Uint8Array.of(count + 1), () => `${count} rises`);
    },
    fault: () => undefined,
    unrest: () => undefined,
    ...more,
  };
}
const fall = (count: number): number[] => (count > 0 ? [count - 1] : []);

test('each state is visited once, and the depth is that of the furthest', () => {
  assert.deepEqual(check(counter(100, fall)), { states: 100, steps: 198, depth: 99, failure: undefined });
});

test('a fault is told with a shortest way to it', () => {
  const protocol = counter(9, fall, { fault: ([count = 0]) => (count === 3 ? 'three' : undefined) });
  assert.deepEqual(check(protocol).failure, {
    property: 'safety',
    what: 'three',
    trace: ['0 rises', '1 rises', '2 rises'],
  });
});

test('where nothing more happens by itself nothing is left', () => {
  const stuck = counter(4, count => (count === 2 ? [] : fall(count)), {
    unrest: ([count = 0]) => (count > 0 ? `${count} is left` : undefined),
  });
  assert.deepEqual(check(stuck).failure, {
    property: 'liveness',
    what: '2 is left',
    trace: ['0 rises', '1 rises'],
  });
});

test('a circle that nobody need ever leave is found, though it can be left', () => {
  const round = counter(9, count => (count === 5 ? [4, 6] : count === 6 ? [5] : fall(count)));
  const failure = check(round).failure;
  assert.equal(failure?.property, 'liveness');
  assert.equal(failure?.what, 'it goes round in a circle');
  assert.ok([5, 6].includes(failure.trace.length));
});
