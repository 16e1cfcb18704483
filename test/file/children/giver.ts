/** Gives a buffer of a pool of the kind that it is asked for. */
import { createPool } from '../../../src/aggregate/pool.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

parentChannel().onRequest(({ head }) => {
  const pool = createPool({ kind: head as 'recycle' | 'seal' });
  return { body: pool.from(Buffer.alloc(300_000, 'given')) };
});
