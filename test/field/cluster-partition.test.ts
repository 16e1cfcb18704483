import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { NatsServer, NatsTrio, withNats } from '../cluster/support/nats-server.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { watchdog } from '../support/watchdog.ts';

const quiet = { complain: () => {} };

/** Until a machine is cut off, or is not any more. */
async function until(cluster: Cluster, connected: boolean): Promise<void> {
  const reached = async () => {
    while (cluster.connected !== connected) await delay(20);
  };
  await watchdog(reached(), connected ? 'the others to be heard again' : 'the cut to be seen', 60_000);
}

test('a machine that is cut off is waited for until it uses nothing unasked', withNats, async () => {
  await using nats = await NatsServer.start();
  const connection = await connect({ servers: nats.url });
  await using one = await joinCluster({ name: 'shop', servers: nats.url, machine: 'one', ...quiet });
  const other = await joinCluster({ name: 'shop', connection, machine: 'other', ...quiet });
  let version = 1;
  await using harness = await Harness.start(
    (_, response) => {
      response.setHeader('Cache-Control', 'max-age=3600').end(`version ${version}`);
    },
    { cluster: other },
  );
  await harness.get('/a');
  // Nothing of it reaches the other machine, which does not leave either.
  await connection.close();
  version = 2;
  const { sequence } = await one.invalidate({ urls: ['/a'] });
  await watchdog(one.applied(sequence), 'the machine that is cut off', 60_000);
  assert.equal(other.connected, false);
  assert.equal((await harness.get('/a')).text, 'version 2');
  assert.deepEqual(
    one.machines().map(({ name }) => name),
    ['one'],
  );
  await other.close();
});

test('a server that is killed and comes back: nothing is missed', withNats, async () => {
  await using nats = await NatsServer.start();
  await using one = await joinCluster({ name: 'shop', servers: nats.url, ...quiet });
  await using other = await joinCluster({ name: 'shop', servers: nats.url, ...quiet });
  const taken = new Set<string>();
  other.log.follow('responses', {
    carryOut: async ({ urls = [] }) => {
      for (const url of urls) taken.add(url);
    },
    distrust: async () => assert.fail('the log was there'),
    trust: () => {},
  });
  const told = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const tell = async (url: string) => {
      await one.invalidate({ urls: [url] });
      told.add(url);
    };
    const running = Promise.all(Array.from({ length: 50 }, (_, index) => tell(`/${round}/${index}`)));
    await nats.kill();
    await nats.start();
    await watchdog(running, 'the log', 60_000);
  }
  const { sequence } = await one.invalidate({ urls: ['/last'] });
  await watchdog(one.applied(sequence), 'all', 60_000);
  for (const url of told) assert(taken.has(url), url);
});

test('a server that is stopped: both machines are cut off, and both come back', withNats, async () => {
  await using nats = await NatsServer.start();
  await using one = await joinCluster({ name: 'shop', servers: nats.url, timeout: 3000, ...quiet });
  await using other = await joinCluster({ name: 'shop', servers: nats.url, ...quiet });
  await nats.stop();
  await assert.rejects(one.invalidate({ urls: ['/'] }), { code: 'ERR_IOLITE_CLUSTER', outcome: 'unknown' });
  await Promise.all([until(one, false), until(other, false)]);
  nats.signal('SIGCONT');
  await Promise.all([until(one, true), until(other, true)]);
  const { sequence } = await one.invalidate({ urls: ['/'] });
  await watchdog(one.applied(sequence), 'all', 60_000);
});

test('three servers: one may be killed; without a majority all are cut off', withNats, async () => {
  await using trio = await NatsTrio.start();
  const options = { name: 'shop', servers: trio.urls, replicas: 3, timeout: 20_000, ...quiet };
  await using one = await joinCluster(options);
  await using other = await joinCluster({ ...options, timeout: 3000 });
  const [first, second] = trio.servers as [NatsServer, NatsServer, NatsServer];
  await first.kill();
  const { sequence } = await one.invalidate({ urls: ['/'] });
  await watchdog(one.applied(sequence), 'all', 60_000);
  await second.kill();
  await assert.rejects(other.invalidate({ urls: ['/'] }), { code: 'ERR_IOLITE_CLUSTER' });
  await Promise.all([until(one, false), until(other, false)]);
  await Promise.all([first.start(), second.start()]);
  await Promise.all([until(one, true), until(other, true)]);
  const next = await one.invalidate({ urls: ['/'] });
  await watchdog(one.applied(next.sequence), 'all', 60_000);
});
