import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CASE_BYTES, mutate } from '../../fuzz/mutate.ts';
import { Random } from '../../fuzz/random.ts';

test('what is changed stays as it was, and is no longer than a case may be', () => {
  const random = new Random(1);
  const bytes = Buffer.from('bytes=0-99, 200-');
  const tokens = [Buffer.from('bytes=')];
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) seen.add(mutate(bytes, random, tokens, bytes).toString('latin1'));
  assert.equal(bytes.toString(), 'bytes=0-99, 200-');
  assert.ok(seen.size > 1000);
  const long = Buffer.alloc(MAX_CASE_BYTES);
  for (let i = 0; i < 100; i++) assert.ok(mutate(long, random, tokens, long).length <= MAX_CASE_BYTES);
  assert.ok(mutate(Buffer.alloc(0), random, tokens, bytes).length <= MAX_CASE_BYTES);
});
