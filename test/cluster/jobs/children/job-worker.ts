/**
 * A machine that works: each job it takes is a line, `{ id, head, length, deliveries }`, the effect. When the
 * kernel has that line, which then outlives this process, and the milliseconds are over that the job's head
 * says under `hold`, the job is done, and that is another line, `{ done }`.
 * `node job-worker <url> <machine> <queue> [options]`
 */
import { setTimeout } from 'node:timers/promises';
import { joinCluster } from '../../../../src/cluster/join-cluster.ts';

const [servers = '', machine = '', name = '', options = '{}'] = process.argv.slice(2);
const say = (line: unknown): Promise<void> =>
  new Promise(resolve => process.stdout.write(`${JSON.stringify(line)}\n`, () => resolve()));
const cluster = await joinCluster({ name: 'shop', servers, machine, complain: () => {} });
const jobs = await cluster.jobs(name, JSON.parse(options));
await say('working');
for await (const job of jobs.take({ concurrency: 8 })) {
  const { id, head, body, deliveries } = job;
  const said = say({ id, head, length: body?.length ?? null, deliveries });
  const { hold = 0 } = (head ?? {}) as { hold?: number };
  void Promise.all([said, setTimeout(hold)])
    .then(() => job.done())
    .then(
      () => say({ done: id }),
      () => {},
    );
}
