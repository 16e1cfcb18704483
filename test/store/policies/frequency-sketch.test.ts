import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrequencySketch } from '../../../src/store/policies/frequency-sketch.ts';

const MiB = 1024 ** 2;

test('an estimate is never too low, and rarely too high', () => {
  const sketch = new FrequencySketch(16 * MiB);
  for (let i = 0; i < 3000; i++) {
    for (let n = 0; n <= i % 4; n++) assert.ok(sketch.add(`/directory/file ${i}`) > n);
  }
  let tooHigh = 0;
  for (let i = 0; i < 3000; i++) {
    const estimate = sketch.estimate(`/directory/file ${i}`);
    assert.ok(estimate >= 1 + (i % 4));
    if (estimate > 1 + (i % 4)) tooHigh += 1;
  }
  assert.ok(tooHigh < 150, `${tooHigh} of 3000 are too high`);
  let strangers = 0;
  for (let i = 0; i < 3000; i++) if (sketch.estimate(`another ${i}`) > 0) strangers += 1;
  assert.ok(strangers < 300, `${strangers} of 3000 strangers were counted`);
});

test('many counts at once are as many one after the other', () => {
  const [one, many] = [new FrequencySketch(MiB), new FrequencySketch(MiB)];
  for (let i = 0; i < 200; i++) {
    const times = 1 + (i % 7);
    for (let n = 1; n < times; n++) one.add(`${i % 50}`);
    assert.equal(one.add(`${i % 50}`), many.add(`${i % 50}`, times));
  }
  for (let i = 0; i < 100; i++) assert.equal(one.estimate(`${i}`), many.estimate(`${i}`));
});

test('what was counted long ago is forgotten', () => {
  const sketch = new FrequencySketch(0);
  for (let i = 0; i < 100; i++) sketch.add('once popular');
  let before = sketch.estimate('once popular');
  assert.equal(before, 100);
  // Each time that all are halved: the smallest sketch has 4096 places, and counts four times as often.
  for (let halving = 0; halving < 8; halving++) {
    for (let i = 0; i < 4 * 4096; i++) sketch.add('popular now');
    const now = sketch.estimate('once popular');
    assert.ok(now <= before / 2 + 1, `${now} of ${before}`);
    before = now;
  }
  assert.equal(sketch.estimate('once popular'), 0);
});

test('counts have an end, and names may be any', () => {
  const sketch = new FrequencySketch(Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < 70_000; i++) sketch.add('often');
  assert.equal(sketch.estimate('often'), 65_535);
  assert.equal(sketch.add('often'), 65_535);
  for (const name of ['', '\0', '__proto__', '7\u00003', 'ä', '\ud800', 'x'.repeat(100_000)]) {
    assert.equal(sketch.estimate(name), 0);
    assert.equal(sketch.add(name), 1);
    assert.equal(sketch.estimate(name), 1);
  }
});
