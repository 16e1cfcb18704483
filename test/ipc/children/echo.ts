/** A child that answers requests by what they ask, and sends one-way messages back as they come. */
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

const channel = parentChannel();
const pool = createPool({ name: 'echo' });
let aborted = 0;

channel.onRequest(async ({ head, body }, { signal }) => {
  const { ask } = (head ?? {}) as { ask?: string };
  if (ask === 'fail') throw Object.assign(new Error('as asked'), { code: 'ERR_OF_THE_TEST' });
  if (ask === 'fail plainly') throw new Error('as asked');
  if (ask === 'own') return { body: pool.from('from the child') };
  if (ask === 'aborted') return { head: aborted };
  if (ask === 'exit') process.exit(7);
  if (ask === 'hang') {
    await new Promise<void>(resolve => {
      signal.addEventListener('abort', () => {
        aborted += 1;
        resolve();
      });
    });
  }
  return { ...(head === undefined ? {} : { head }), ...(body === undefined ? {} : { body }) };
});

if (process.argv[2] !== 'deaf') {
  for await (const { head, body } of channel as AsyncIterable<{ head?: null; body?: Aggregate }>) {
    await channel.send({ ...(head === undefined ? {} : { head }), ...(body === undefined ? {} : { body }) });
    body?.release();
  }
  pool.close();
}
