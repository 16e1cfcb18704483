/** A thread or child that keeps the bodies it is sent, and makes buffers of its own. */
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

const channel = parentChannel();
const pool = createPool({ name: 'holder' });
const held: Aggregate[] = [];

channel.onRequest(({ head, body }) => {
  const { ask, size = 0 } = head as { ask: string; size?: number };
  if (ask === 'spin') for (;;);
  if (ask === 'throw') setImmediate(() => Promise.reject(new Error('as asked')));
  if (ask === 'make') return { body: pool.from(Buffer.alloc(size, 0x61)) };
  if (ask === 'fill') for (let i = 0; i < size; i++) held.push(pool.from(Buffer.alloc(300_000)));
  if (body !== undefined) held.push(body);
  if (ask === 'release') for (const each of held.splice(0)) each.release();
  return { head: held.map(each => each.toString('latin1', 0, 20)) };
});
