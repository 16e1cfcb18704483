import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machines } from '../cluster/support/machines.ts';
import { withNats } from '../cluster/support/nats-server.ts';
import { Program } from '../support/program.ts';

const JOBS = Number(process.env.CLUSTER_JOBS ?? 10_000);
const WORKERS = 4;
const KILLS = 12;
const WORKER = new URL('../cluster/jobs/children/job-worker.ts', import.meta.url);
const OPTIONS = { ackWait: 1000, maxDeliver: 100 };

test('of 10,000 jobs none is lost, though workers are killed at random', withNats, async () => {
  await using machines = await Machines.start(['a']);
  const jobs = await machines.first.jobs('many', OPTIONS);
  const added = new Set<string>();
  const effects = new Map<string, number>();
  let names = 0;
  let isOver = false;
  const running = new Set<Program>();
  const work = async (): Promise<void> => {
    while (!isOver) {
      names += 1;
      const args = [machines.server.url, `w${names}`, 'many', JSON.stringify(OPTIONS)];
      await using worker = new Program(WORKER, args);
      running.add(worker);
      for (;;) {
        const line = (await worker.line()) as { id?: string } | string | undefined;
        if (line === undefined) break;
        if (typeof line !== 'string' && line.id !== undefined)
          effects.set(line.id, (effects.get(line.id) ?? 0) + 1);
      }
      running.delete(worker);
    }
  };
  const workers = Array.from({ length: WORKERS }, work);
  try {
    for (let n = 0; n < JOBS; ) {
      const batch = Math.min(100, JOBS - n);
      const body = n % 1000 === 0 ? Buffer.alloc(400_000, n) : 'small';
      for (const { id } of await Promise.all(Array.from({ length: batch }, () => jobs.add({ body }))))
        added.add(id);
      n += batch;
      if (n % Math.ceil(JOBS / KILLS / 100) < 1 || Math.random() < (KILLS * 100) / JOBS)
        [...running][Math.floor(Math.random() * running.size)]?.process.kill('SIGKILL');
    }
    for (;;) {
      const { waiting, taken } = await jobs.stats();
      if (waiting + taken === 0) break;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  } finally {
    isOver = true;
    for (const worker of running) worker.process.kill('SIGKILL');
    await Promise.all(workers);
  }
  assert.equal(added.size, JOBS);
  const { waiting, taken, failed } = await jobs.stats();
  assert.deepEqual({ waiting, taken, failed }, { waiting: 0, taken: 0, failed: 0 });
  assert.deepEqual(
    [...added].filter(id => !effects.has(id)),
    [],
  );
});
