/**
 * A thread or child that always has transfers under way: holds some of what it gets, and answers with its
 * own.
 */
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

const channel = parentChannel();
const pools = [
  createPool({ name: 'churn' }),
  createPool({ name: 'churn-protected', kind: 'protect' }),
  createPool({ name: 'churn-sealed', kind: 'seal' }),
];
const held: Aggregate[] = [];
let count = 0;

for await (const { body } of channel) {
  count += 1;
  if (body !== undefined) held.push(body);
  if (held.length > 4) held.shift()?.release();
  using own = pools[count % 2]!.from(Buffer.alloc(1 + ((count * 70_001) % 400_000), count));
  await channel.send({ head: count, body: own });
  if (body !== undefined && count % 3 === 0) await channel.send({ head: count, body });
}
