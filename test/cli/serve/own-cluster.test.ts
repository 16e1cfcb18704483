import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { joinOwnCluster } from '../../../src/cli/serve/own-cluster.ts';
import { joinCluster } from '../../../src/cluster/join-cluster.ts';
import { textAnswer } from '../../../src/http/message/status-answer.ts';
import { freePort, NatsServer, withNats } from '../../cluster/support/nats-server.ts';
import { Folder } from '../../support/folder.ts';
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

test('a server that joins is ready when it has what another machine has', withNats, async () => {
  await using nats = await NatsServer.start();
  const origin = createServer((_, response) => response.end('of the origin'));
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const place = async () => ({
    ...{ servers: nats.url, secret: 'a secret of some length' },
    advertise: `http://127.0.0.1:${await freePort()}`,
  });
  await using cluster = await joinCluster({ name: 'iolite', ...(await place()) });
  let give = (): void => {};
  const gate = new Promise<void>(resolve => {
    give = resolve;
  });
  const target = 'http://shop.example/page';
  cluster.peers.serve(`${url} shop.example`, {
    atHand: () => undefined,
    hottest: async () => [{ target, size: 5, uses: 1, selecting: [] }],
    answer: async () => {
      await gate;
      return textAnswer(200, 'text/plain', 'of a peer', ['Cache-Control', 'max-age=600']);
    },
  });
  using folder = new Folder();
  const file = folder.file('iolite.config.json');
  const proxy = { host: 'shop.example' };
  const settings = { origin: url, proxy, health: true, workers: 2, cluster: await place() };
  writeFileSync(file, JSON.stringify(settings));
  await using served = await Served.startWith(['--config', file, '--metrics', '127.0.0.1:0']);
  const [, metrics = ''] = /Metrics: http:\/\/127.0.0.1:(\d+)/.exec(served.stdout) ?? [];
  for (const port of [served.port, Number(metrics)]) assert.equal((await get(port, '/ready')).status, 503);
  give();
  const isReady = async (port: number) => {
    while ((await get(port, '/ready')).status !== 200) await setImmediate();
  };
  for (const port of [served.port, Number(metrics)]) await watchdog(isReady(port), 'the warm-up');
  const { body } = await get(served.port, '/page', { headers: { Host: 'shop.example' } });
  assert.equal(body.toString(), 'of a peer');
  origin.closeAllConnections();
  origin.close();
});
