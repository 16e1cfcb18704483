import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { now } from '../../../src/base/clock.ts';
import type { ClusterContext } from '../../../src/cluster/cluster-context.ts';
import { ClusterLog } from '../../../src/cluster/log/cluster-log.ts';
import { watchdog } from '../../support/watchdog.ts';
import { contextAt } from '../support/contexts.ts';
import { NatsServer, withNats } from '../support/nats-server.ts';

/** A log that others are taken to wait for, and what becomes of it. */
async function logOf(context: ClusterContext) {
  const said: (string | number)[] = [];
  let wake = (): void => {};
  const log = new ClusterLog(context, { joined: () => {}, applied: () => {} });
  await log.start();
  log.follow('responses', {
    carryOut: async ({ urls = [] }) => {
      said.push(...urls);
    },
    distrust: async () => {
      said.push('distrust');
      wake();
    },
    trust: until => said.push(until === 0 ? 'cut off' : 'trusted'),
  });
  const distrusted = new Promise<void>(resolve => {
    wake = resolve;
  });
  return { log, said, distrusted };
}

async function trusted(log: ClusterLog): Promise<void> {
  log.trust.renewed(now());
  while (log.trustedUntil === 0) {
    await log.restore(AbortSignal.timeout(5000));
    await new Promise(setImmediate);
  }
}

suite('the log', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const streams = async ({ nats, connection }: ClusterContext) =>
    (await nats.jetstream.jetstreamManager(connection)).streams;

  test('it is carried out in its order', async () => {
    await using context = await contextAt(server.url);
    const { log, said } = await logOf(context);
    const told = await Promise.all(
      Array.from({ length: 100 }, (_, index) => log.tell('responses', { urls: [`/${index}`] })),
    );
    const last = told.reduce((one, other) => (one.sequence > other.sequence ? one : other));
    await watchdog(log.appliedHere(last), 'all');
    assert.equal(said.filter(each => String(each).startsWith('/')).length, 100);
    // Each of which is in a message of its own, as those before are stored.
    const names = Array.from({ length: 20 }, (_, index) => `/then/${index}`);
    let position = last;
    for (const name of names) position = await log.tell('responses', { urls: [name] });
    await watchdog(log.appliedHere(position), 'those behind');
    assert.equal(position.sequence, last.sequence + names.length);
    assert.deepEqual(
      said.filter(each => String(each).startsWith('/then/')),
      names,
    );
    assert.equal(log.hasApplied({ ...position, sequence: position.sequence + 1 }), false);
    log.close();
  });

  test('a log that was lost: all is stale before anything is trusted again', async () => {
    await using context = await contextAt(server.url);
    const { log, said, distrusted } = await logOf(context);
    await trusted(log);
    const position = await log.tell('responses', { urls: ['/1'] });
    await log.appliedHere(position);
    const never = log.appliedHere({ ...position, sequence: 1_000_000 });
    await (await streams(context)).delete(`IOLITE_${context.options.name}_INV`);
    await watchdog(distrusted, 'the loss to be seen');
    await watchdog(never, 'what is not used any more');
    await trusted(log);
    assert.deepEqual([...new Set(said)], ['cut off', 'trusted', '/1', 'distrust']);
    assert(said.lastIndexOf('cut off') < said.indexOf('distrust'));
    assert(said.lastIndexOf('trusted') > said.indexOf('distrust'));
    const next = await log.tell('responses', { urls: ['/2'] });
    await watchdog(log.appliedHere(next), 'the new log');
    assert.notEqual(next.log, position.log);
    log.close();
  });
});
