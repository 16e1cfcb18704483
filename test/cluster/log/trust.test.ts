import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trust } from '../../../src/cluster/log/trust.ts';

function setUp() {
  const clock = { now: 1000 };
  const told: number[] = [];
  const trust = new Trust(
    5000,
    until => told.push(until),
    () => clock.now,
  );
  trust.renewed(1000);
  trust.heard();
  return { clock, told, trust };
}

test('nothing is trusted until it was restored, and not without having heard', () => {
  const { trust } = setUp();
  assert.equal(trust.until, 0);
  trust.restore();
  assert.equal(trust.until, 6000);
  const silent = new Trust(5000, () => {});
  silent.restore();
  assert.equal(silent.until, 0);
});

test('it lasts maxLag from what was heard, and 12 seconds from the entry that others go by', () => {
  const { clock, told, trust } = setUp();
  trust.restore();
  clock.now = 5000;
  trust.heard();
  assert.equal(trust.until, 10_000);
  clock.now = 9000;
  trust.heard();
  assert.equal(trust.until, 13_000);
  trust.renewed(8000);
  assert.equal(trust.until, 14_000);
  assert.deepEqual(told, [6000, 10_000, 13_000, 14_000]);
});

test('what is heard too late, as by a process that was stopped, restores nothing', () => {
  const { clock, told, trust } = setUp();
  trust.restore();
  clock.now = 61_000;
  trust.heard();
  trust.renewed(61_000);
  assert.equal(trust.until, 0);
  assert.equal(told.at(-1), 0);
  trust.restore();
  assert.equal(trust.until, 66_000);
});

test('it ends at once where the log is lost', () => {
  const { trust, told } = setUp();
  trust.restore();
  trust.end();
  trust.heard();
  assert.equal(trust.until, 0);
  assert.deepEqual(told, [6000, 0]);
});
