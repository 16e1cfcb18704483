import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Draw } from '../../chaos/draw.ts';
import { drawTimeline, faultText, type Target } from '../../chaos/timeline.ts';

const TARGETS: readonly Target[] = [
  { name: 'a', faults: { kill: 1 } },
  { name: 'b', faults: { stop: 2, 'kill stopped': 1, hoard: 1 } },
];
const drawn = (seed: number) => drawTimeline(new Draw(seed), TARGETS, { length: 60_000, pace: 200 });

test('a seed has one timeline', () => {
  assert.deepEqual(drawn(5), drawn(5));
  assert.notDeepEqual(drawn(5), drawn(6));
});

test('faults are in order, within the time, about as often as is asked, and befall whom they may', () => {
  const faults = drawn(5);
  assert.ok(faults.length > 200 && faults.length < 500, `${faults.length} faults`);
  assert.deepEqual(
    faults,
    [...faults].sort((a, b) => a.at - b.at),
  );
  assert.ok(faults.every(({ at }) => at >= 0 && at < 60_000));
  const kinds = new Set(faults.map(({ target, kind }) => `${target} ${kind}`));
  assert.deepEqual([...kinds].sort(), ['a kill', 'b hoard', 'b kill stopped', 'b stop']);
  assert.equal(faultText({ at: 1250, kind: 'stop', target: 'b', lasts: 30 }), '1.250 s: stop b for 30 ms');
});
