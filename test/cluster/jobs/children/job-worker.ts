/**
 * A machine that works: each job it takes is a line, `{ id, head, length, deliveries }`, the effect; then it
 * is done, after the milliseconds that its head says under `hold`, and that is another line, `{ done }`.
 * `node job-worker <url> <machine> <queue> [options]`
 */
import { setTimeout } from 'node:timers/promises';
import { joinCluster } from '../../../../src/cluster/join-cluster.ts';

const [servers = '', machine = '', name = '', options = '{}'] = process.argv.slice(2);
const say = (line: unknown): unknown => process.stdout.write(`${JSON.stringify(line)}\n`);
const cluster = await joinCluster({ name: 'shop', servers, machine, complain: () => {} });
const jobs = await cluster.jobs(name, JSON.parse(options));
say('working');
for await (const job of jobs.take({ concurrency: 8 })) {
  const { id, head, body, deliveries } = job;
  say({ id, head, length: body?.length ?? null, deliveries });
  const { hold = 0 } = (head ?? {}) as { hold?: number };
  void setTimeout(hold)
    .then(() => job.done())
    .then(
      () => say({ done: id }),
      () => {},
    );
}
