import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileVersion, isSettled, untilCalm } from '../../../src/file/version/file-version.ts';

const MS_NS = 1_000_000n;

/** Changed so long after Date.now(), in nanoseconds. */
function changedAt(ns: bigint): FileVersion {
  const ctimeNs = BigInt(Date.now()) * MS_NS + ns;
  return { device: 1n, inode: 1n, size: 1, mtimeNs: 0n, ctimeNs, names: 1 };
}

test('what was changed a moment ago is not calm, though its stamp is finer than the clock here', () => {
  // All of it within one millisecond of the clock, unless this thread is kept from going on meanwhile.
  const waits = Array.from({ length: 100 }, () => untilCalm(changedAt(900_000n)));
  assert.ok(waits.some(wait => wait > 19));
  assert.ok(Array.from({ length: 100 }, () => untilCalm(changedAt(0n))).some(wait => wait > 18));
  assert.equal(isSettled(changedAt(900_000n)), false);
});

test('what was changed long ago, or is to be changed later, is calm', () => {
  assert.equal(untilCalm(changedAt(-1000n * MS_NS)), 0);
  assert.equal(isSettled(changedAt(-1000n * MS_NS)), true);
  // The clock of the file system is another one, or was set back: nothing is to wait for that.
  assert.equal(untilCalm(changedAt(3_600_000n * MS_NS)), 0);
  assert.equal(isSettled(changedAt(3_600_000n * MS_NS)), false);
});
