import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Job } from '../../../src/cluster/jobs/job.ts';
import type { Jobs } from '../../../src/cluster/jobs/jobs.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Machines } from '../support/machines.ts';
import { withNats } from '../support/nats-server.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const WORKER = new URL('./children/job-worker.ts', import.meta.url);

async function next(taken: AsyncIterator<Job>): Promise<Job> {
  const { value } = await watchdog(taken.next(), 'a job');
  assert.ok(value !== undefined, 'there are more jobs');
  return value;
}

async function failures(jobs: Jobs): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const { head, reason, deliveries } of jobs.failed()) list.push({ head, reason, deliveries });
  return list;
}

describe('jobs', withNats, () => {
  let machines: Machines;
  before(async () => {
    machines = await Machines.start();
  });
  after(() => machines[Symbol.asyncDispose]());

  test('are given to workers of any machine, with bodies of any length, until they are done', async () => {
    using pool = createPool({ name: 'bodies' });
    const jobs = await machines.first.jobs('lengths');
    const others = await machines.second.jobs('lengths', { pool });
    const lengths = [0, 1, 200 * KIB, 256 * KIB, 256 * KIB + 1, 3 * MIB + 5];
    const sent = lengths.map(length => randomBytes(length));
    for (const [n, body] of sent.entries()) await jobs.add({ head: { n }, body });
    await jobs.add({ head: 'no body' });
    assert.equal((await jobs.stats()).waiting, 7);
    const taken = others.take();
    for (const [n, bytes] of sent.entries()) {
      const job = await next(taken);
      assert.deepEqual([job.head, job.deliveries], [{ n }, 1]);
      assert.ok(job.body !== undefined);
      assert.ok(job.body.toBuffer().equals(bytes), `a body of ${bytes.length} bytes`);
      if (bytes.length > 256 * KIB) assert.ok(job.body.slices().length > 1, 'it is not flat');
      if (n % 2 === 0) job.body.release();
      await job.done();
      await assert.rejects(job.done(), { code: 'ERR_IOLITE_CLOSED' });
    }
    const last = await next(taken);
    assert.equal(last.body, undefined);
    await last.done();
    await taken.return?.();
    for (;;) {
      const { waiting, taken: held, failed, bytes } = await jobs.stats();
      assert.deepEqual([waiting, held, failed], [0, 0, 0]);
      if (bytes === 0) break;
    }
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0);
    await jobs.close();
    await assert.rejects(jobs.add({}), { code: 'ERR_IOLITE_CLOSED' });
  });

  test('are no more at a time than a worker may have', async () => {
    const jobs = await machines.first.jobs('few');
    for (let n = 0; n < 5; n++) await jobs.add({ head: n });
    const taken = jobs.take({ concurrency: 2 });
    const held = [await next(taken), await next(taken)];
    let isThird = false;
    const third = next(taken).then(job => {
      isThird = true;
      return job;
    });
    assert.deepEqual([(await jobs.stats()).taken, isThird], [2, false]);
    await held[0]?.done();
    await (await third).done();
    await held[1]?.done();
    const rest = new Set([(await next(taken)).head, (await next(taken)).head]);
    assert.equal(rest.size, 2);
    await taken.return?.();
    assert.deepEqual(await taken.next(), { value: undefined, done: true });
    const controller = new AbortController();
    const aborted = jobs.take({ signal: controller.signal }).next();
    controller.abort();
    assert.deepEqual(await aborted, { value: undefined, done: true });
  });

  test('are tried again, and fail when they were tried often enough, or cannot be done', async () => {
    const jobs = await machines.first.jobs('again', { maxDeliver: 3 });
    const taken = jobs.take();
    const { id } = await jobs.add({ head: 'hard', body: Buffer.alloc(300 * KIB, 7) });
    for (let n = 1; n <= 3; n++) {
      const job = await next(taken);
      assert.deepEqual([job.id, job.deliveries], [id, n]);
      await job.retry(n === 1 ? 1 : 0);
    }
    const [failed] = await watchdog(once(jobs, 'failed'), 'the failure');
    assert.equal(failed.id, id);
    const why = 'it was given to a worker 3 times, and none has finished it';
    assert.deepEqual(await failures(jobs), [{ head: 'hard', reason: why, deliveries: 4 }]);
    for await (const one of jobs.failed()) await one.again();
    assert.deepEqual(await failures(jobs), []);
    const anew = await next(taken);
    assert.deepEqual([anew.id, anew.deliveries, anew.body?.length], [id, 1, 300 * KIB]);
    await anew.fail('it is too hard');
    assert.deepEqual(await failures(jobs), [{ head: 'hard', reason: 'it is too hard', deliveries: 1 }]);
    for await (const one of jobs.failed()) await one.drop();
    const { waiting, taken: held, failed: count, bytes } = await jobs.stats();
    assert.deepEqual([waiting, held, count, bytes], [0, 0, 0, 0]);
    await taken.return?.();
  });

  test('are given to another worker when theirs is killed before they are done', async () => {
    const args = [machines.server.url, 'c', 'killed', '{"ackWait":500}'];
    await using worker = new Program(WORKER, args);
    assert.equal(await worker.line(), 'working');
    const jobs = await machines.first.jobs('killed', { ackWait: 500 });
    const { id } = await jobs.add({ head: { hold: 3_600_000 }, body: Buffer.alloc(MIB) });
    assert.deepEqual(await worker.line(), { id, head: { hold: 3_600_000 }, length: MIB, deliveries: 1 });
    worker.kill('SIGKILL');
    const taken = jobs.take();
    const job = await next(taken);
    assert.deepEqual([job.id, job.deliveries, job.body?.length], [id, 2, MIB]);
    await job.done();
    await taken.return?.();
    assert.equal((await jobs.stats()).taken, 0);
  });

  test('stay with a worker that takes longer than others wait', async () => {
    const jobs = await machines.first.jobs('slow', { ackWait: 500 });
    await jobs.add({ head: 'slow' });
    const taken = jobs.take();
    const job = await next(taken);
    const other = await machines.second.jobs('slow', { ackWait: 500 });
    const others = other.take();
    // It would come to the other after half a second; the last job says that more than that has gone by.
    let isGiven = false;
    const given = others.next().then(result => {
      isGiven = true;
      return result;
    });
    const later = await machines.second.jobs('clock', { ackWait: 500 });
    await later.add({});
    const clock = later.take();
    const first = await next(clock);
    await first.retry(1500);
    await (await next(clock)).done();
    assert.equal(isGiven, false);
    await job.done();
    await jobs.add({ head: 'next' });
    await Promise.all([clock.return?.(), taken.return?.()]);
    const { value } = await watchdog(given, 'the next job');
    assert.equal(value?.head, 'next');
    await value?.done();
    await others.return?.();
  });

  test('are refused where they are too long, too many, or may not leave', async () => {
    const jobs = await machines.first.jobs('full', { maxBytes: MIB, maxBodyBytes: 4 * MIB });
    await assert.rejects(jobs.add({ body: Buffer.alloc(4 * MIB + 1) }), { code: 'ERR_IOLITE_LIMIT' });
    await assert.rejects(jobs.add({ body: Buffer.alloc(3 * MIB) }), {
      code: 'ERR_IOLITE_LIMIT',
      mayRetry: true,
    });
    const fill = async (): Promise<void> => {
      for (;;) await jobs.add({ body: Buffer.alloc(200 * KIB) });
    };
    await assert.rejects(fill(), { code: 'ERR_IOLITE_LIMIT', mayRetry: true });
    using kept = createPool({ acl: { uids: [4242] } });
    using named = createPool({ acl: { machines: ['b'] } });
    for (const pool of [kept, named]) {
      using body = pool.from('kept');
      await assert.rejects(jobs.add({ body }), { code: 'ERR_IOLITE_ACCESS' });
    }
    await assert.rejects(jobs.add({ head: 1n as never }), { code: 'ERR_IOLITE_ARGUMENT' });
    for (const wrong of [{ maxDeliver: 0 }, { ackWait: 1 }, { maxBytes: 5 }])
      await assert.rejects(machines.first.jobs('wrong', wrong), { code: 'ERR_IOLITE_RANGE' });
    for (const [name, wrong] of [
      ['a.b', {}],
      ['a', { storage: 'disk' }],
      ['a', { maxdeliver: 1 }],
      ['full', { storage: 'memory' }],
    ] as const)
      await assert.rejects(machines.first.jobs(name, wrong as never), { code: 'ERR_IOLITE_ARGUMENT' });
  });
});

test('jobs wait for NATS, and none is lost when it is killed', withNats, async () => {
  await using machines = await Machines.start(['a', 'b']);
  const jobs = await machines.first.jobs('through', { ackWait: 500 });
  const worker = await machines.second.jobs('through', { ackWait: 500 });
  const taken = worker.take({ concurrency: 4 });
  await jobs.add({ head: 'before' });
  const held = await next(taken);
  await machines.server.kill();
  const adding = jobs.add({ head: 'meanwhile' });
  const done = held.done();
  await machines.server.start();
  await watchdog(adding, 'the job that was added meanwhile');
  await watchdog(done, 'the end of the job');
  for (const seen = new Set<unknown>(); !seen.has('meanwhile'); ) {
    const job = await next(taken);
    seen.add(job.head);
    await job.done();
  }
  await taken.return?.();
  const { waiting, taken: left } = await jobs.stats();
  assert.deepEqual([waiting, left], [0, 0]);
});
