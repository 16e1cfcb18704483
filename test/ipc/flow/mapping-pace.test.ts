import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MappingPace } from '../../../src/ipc/flow/mapping-pace.ts';

const GIB_BYTES = 1024 ** 3;

test('a peer has a gigabyte mapped at once, and four more each second', () => {
  const pace = new MappingPace(0);
  const taken = (now: number): number => {
    let count = 0;
    while (count < 10_000 && pace.take(GIB_BYTES / 64, now)) count += 1;
    return count;
  };
  assert.equal(taken(0), 64);
  assert.equal(taken(0), 0);
  assert.equal(taken(250), 64);
  assert.equal(taken(1_000_000), 64, 'what was not used is not saved up');
});

test('a chunk of any size may be mapped, and is waited for afterwards', () => {
  const pace = new MappingPace(0);
  assert.equal(pace.take(4 * GIB_BYTES, 0), true);
  assert.equal(pace.take(4096, 749), false);
  assert.equal(pace.take(4096, 751), true);
});
