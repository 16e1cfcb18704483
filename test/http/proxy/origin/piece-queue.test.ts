import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PieceQueue } from '../../../../src/http/proxy/origin/piece-queue.ts';

test('small pieces that come at once are one, large ones stay what they are, and nothing waits', async () => {
  const got: Buffer[] = [];
  const queue = new PieceQueue(piece => got.push(piece));
  const large = [Buffer.alloc(5000, 'l'), Buffer.alloc(1024, 'm')] as const;
  const alone = Buffer.from('alone');
  for (const piece of ['a', 'b']) queue.push(Buffer.from(piece));
  queue.push(large[0]);
  queue.push(large[1]);
  for (const piece of ['c', 'd', 'e']) queue.push(Buffer.from(piece));
  assert.deepEqual(got, []);
  await Promise.resolve();
  assert.deepEqual(got.map(String), ['ab', String(large[0]), String(large[1]), 'cde']);
  assert.ok(got[1] === large[0] && got[2] === large[1], 'without a copy');
  queue.push(alone);
  await Promise.resolve();
  assert.equal(got.at(-1), alone);
  queue.push(Buffer.from('last'));
  queue.flush();
  queue.flush();
  assert.equal(got.length, 6);
});
