import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { joinOwnCluster } from '../../../src/cli/serve/own-cluster.ts';
import { joinCluster } from '../../../src/cluster/join-cluster.ts';
import { NatsServer, withNats } from '../../cluster/support/nats-server.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, Served } from '../support/server.ts';

test('settings without a cluster join none, and one needs servers', async () => {
  assert.equal(await joinOwnCluster({}), undefined);
  await assert.rejects(joinOwnCluster({ cluster: { name: 'shop' } }), /servers of NATS are wanted/);
  await assert.rejects(joinOwnCluster({ cluster: { servers: 'nats://127.0.0.1:1' } }), /no server of NATS/);
});

test('--cluster: workers of all servers forget what one of the machines invalidates', withNats, async () => {
  let version = 0;
  await using nats = await NatsServer.start();
  const origin = createServer((_, response) => {
    response.setHeader('Cache-Control', 'max-age=600').end(`version ${version}`);
  });
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const args = ['-w', '2', '--origin', url, '--cluster', nats.url];
  const [one, other] = await Promise.all([Served.startWith(args), Served.startWith(args)]);
  await using cluster = await joinCluster({ name: 'iolite', servers: nats.url });
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < 10; i++) await Promise.all([get(one.port, '/page'), get(other.port, '/page')]);
    version = round;
    const { sequence } = await cluster.invalidate({ urls: ['/page'] });
    await watchdog(cluster.applied(sequence), 'all machines');
    for (const { port } of [one, other, one, other]) {
      const { body } = await get(port, '/page');
      assert.equal(body.toString(), `version ${round}`);
    }
  }
  assert.equal(cluster.machines().length, 3);
  for (const served of [one, other]) {
    served.process.kill('SIGTERM');
    assert.deepEqual(await served.ended(), { code: 0, signal: null });
    await served[Symbol.asyncDispose]();
  }
  origin.closeAllConnections();
  origin.close();
});
