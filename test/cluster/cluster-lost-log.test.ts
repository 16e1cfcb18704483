import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { ClusterLog } from '../../src/cluster/log/cluster-log.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { watchdog } from '../support/watchdog.ts';
import { NatsServer, withNats } from './support/nats-server.ts';
import { Partition } from './support/partition.ts';

const PATHS = Array.from({ length: 20 }, (_, index) => `/${index}`);

suite('a log that is cut off below what was read of it', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** A machine with a proxy that has all paths of a version. */
  async function machine(name: string, version: { now: number }, url = server.url) {
    const cluster = await joinCluster({ name, servers: url, complain: () => {} });
    const { log } = cluster;
    assert.ok(log instanceof ClusterLog);
    const harness = await Harness.start(
      (request, response) => {
        response.setHeader('Cache-Control', 'max-age=3600').setHeader('ETag', `"${version.now}"`);
        if (request.headers['if-none-match'] === `"${version.now}"`) response.writeHead(304).end();
        else response.end(String(version.now));
      },
      { cluster },
    );
    for (const path of PATHS) await harness.get(path);
    harness.asked.length = 0;
    return {
      cluster,
      harness,
      /** Until it has lost the log, and is one of the machines again. */
      lost: async () => {
        while (log.losses === 0 || !cluster.connected) await setTimeout(10);
      },
      losses: () => log.losses,
      /** What it answers, each path once. */
      all: () => Promise.all(PATHS.map(async path => Number((await harness.get(path)).text))),
      [Symbol.asyncDispose]: async () => {
        await harness[Symbol.asyncDispose]();
        await cluster.close();
      },
    };
  }

  async function inStreams(
    act: (streams: Awaited<ReturnType<typeof jetstreamManager>>['streams']) => unknown,
  ) {
    const connection = await connect({ servers: server.url });
    await act((await jetstreamManager(connection)).streams);
    await connection.close();
  }

  for (const after_ of ['as it was', 'another version'])
    test(`it is deleted: all is validated before it is used, and is ${after_}`, async () => {
      const name = randomBytes(8).toString('hex');
      const version = { now: 1 };
      await using one = await machine(name, version);
      await using other = await machine(name, version);
      // So that the new one may have as many messages as had been read of this one.
      await one.cluster.invalidate({ urls: ['/none'] });
      await inStreams(streams => streams.delete(`IOLITE_${name}_INV`));
      if (after_ !== 'as it was') version.now = 2;
      for (const each of [one, other]) await watchdog(each.lost(), 'the loss to be seen');
      for (const { all, harness } of [one, other]) {
        assert.deepEqual(
          await all(),
          PATHS.map(() => version.now),
        );
        assert.equal(harness.asked.length, PATHS.length);
        assert.ok(harness.asked.every(({ headers }) => headers['if-none-match'] === '"1"'));
        // It is known to be right from then on.
        await all();
        assert.equal(harness.asked.length, PATHS.length);
      }
      const { sequence } = await other.cluster.invalidate({ urls: [...PATHS] });
      await watchdog(one.cluster.applied(sequence), 'the new log');
    });

  test('it is purged while a machine is away: that has lost it, the other one has not', async () => {
    const name = randomBytes(8).toString('hex');
    const version = { now: 1 };
    await using network = await Partition.before(server.port);
    await using one = await machine(name, version);
    await using away = await machine(name, version, network.url);
    network.network = 'cut';
    version.now = 2;
    for (const path of PATHS) await one.cluster.invalidate({ urls: [path] });
    const { sequence } = await one.cluster.invalidate({ urls: ['/none'] });
    await watchdog(one.cluster.log.appliedHere({ log: one.cluster.log.applied.log, sequence }), 'the log');
    await inStreams(streams => streams.purge(`IOLITE_${name}_INV`));
    network.network = 'open';
    await watchdog(away.lost(), 'the loss to be seen');
    assert.equal(one.losses(), 0);
    assert.deepEqual(
      await away.all(),
      PATHS.map(() => 2),
    );
    assert.equal(away.harness.asked.length, PATHS.length);
    await watchdog(one.cluster.applied(sequence), 'both');
  });
});
