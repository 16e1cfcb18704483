import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chunk } from '../../../src/memory/chunk.ts';
import { AskedFacts } from '../../../src/memory/facts/asked-facts.ts';

const range = (start: number) => ({ chunk: {} as Chunk, generation: 1, start, end: start + 1 });

test('a fact is asked for once in a generation, and no more than 64 are', () => {
  const asked = new AskedFacts();
  assert.equal(asked.isNew(1, 'crc32', [range(0)]), true);
  assert.equal(asked.isNew(1, 'crc32', [range(0)]), false);
  assert.equal(asked.isNew(1, 'sha1', [range(0)]), true);
  assert.equal(asked.isNew(2, 'crc32', [range(0)]), true);
  for (let start = 1; start < 64; start++) assert.equal(asked.isNew(2, 'crc32', [range(start)]), true);
  assert.equal(asked.isNew(2, 'crc32', [range(64)]), false);
});
