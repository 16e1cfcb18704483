/**
 * A child whose pools admit everybody: it sends what it is asked for over its channel, out of memory where
 * other things lie beside it. Each answer is to be seen by whoever gets that, and by nobody else.
 */
import type { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { parentChannel } from '../../../../src/ipc/meet/fork.ts';
import type { Message } from '../../../../src/ipc/message.ts';
import { everyone } from '../../../../src/memory/acl.ts';
import { secret } from '../../../support/onlooker.ts';

const KiB = 1024;
const pools = {
  recycle: createPool({ acl: everyone }),
  seal: createPool({ acl: everyone, kind: 'seal' }),
};
const held: Aggregate[] = [];

parentChannel().onRequest(({ head, body }: Message) => {
  const { kind, name, length } = head as { kind: 'recycle' | 'seal'; name: string; length: number };
  const pool = pools[kind];
  if (body !== undefined) held.push(body);
  // Into memory that was used before, and beside what is used now.
  pool.from(secret('earlier', length + 50 * KiB)).release();
  held.push(pool.from(secret('neighbour')));
  const passed = pool.from(secret(name, length));
  held.push(passed, pool.from(secret('later')));
  return { body: passed };
});
