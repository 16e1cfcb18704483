import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { snapshot } from '../../../src/observe/registry.ts';
import { watchdog } from '../../support/watchdog.ts';
import { NatsServer, withNats } from '../support/nats-server.ts';
import { Shop } from '../support/shop.ts';

suite('what machines tell of themselves', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function figure(name: string, cluster: string): Promise<number[]> {
    const { values = [] } = (await snapshot()).find(each => each.name === `iolite_cluster_${name}`) ?? {};
    return values.filter(({ labels }) => labels.cluster === cluster).map(({ value }) => value);
  }

  test('each is asked how far it is, and what it has given', async () => {
    await using shop = await Shop.open(server.url, 3, (_, response) => {
      response.setHeader('Cache-Control', 'max-age=600').end('0123456789');
    });
    const [first] = shop.machines;
    assert.ok(first !== undefined);
    for (const machine of shop.machines) await machine.get('/a');
    const { sequence } = await first.cluster.invalidate({ urls: ['/b'] });
    await watchdog(first.cluster.applied(sequence), 'all machines');
    const owner = shop.ownerOf('/a');
    // What is sent is counted when the connection has it.
    const counted = async () => {
      for (;;) {
        const told = await first.cluster.stats();
        if (told[owner]?.pulls.answered === 2) return told;
      }
    };
    const told = await watchdog(counted(), 'both pulls to be counted');
    assert.deepEqual(
      told.map(({ name, connected, lag, losses, links }) => ({ name, connected, lag, losses, links })),
      ['m0', 'm1', 'm2'].map(name => ({ name, connected: true, lag: 0, losses: 0, links: 0 })),
    );
    for (const { applied, last } of told) assert.ok(applied >= sequence && last >= applied);
    for (const [index, { pulls }] of told.entries())
      assert.deepEqual(
        pulls,
        index === owner
          ? { sent: 0, answered: 2, refused: 0, bytes: 20 }
          : { sent: 1, answered: 0, refused: 0, bytes: 0 },
      );
    assert.deepEqual(await figure('machines', shop.name), [3]);
    assert.deepEqual(await figure('connected', shop.name), [1]);
    assert.deepEqual(await figure('pulls_total', shop.name), [2]);
    assert.deepEqual(await figure('pull_bytes_total', shop.name), [20]);
    assert.deepEqual(await figure('log_lag', shop.name), [0]);
  });

  test('who is closed tells nothing, and is missing', async () => {
    await using shop = await Shop.open(server.url, 2, (_, response) => response.end());
    const [one, other] = shop.machines;
    assert.ok(one !== undefined && other !== undefined);
    await other.cluster.close();
    await assert.rejects(other.cluster.stats(), { code: 'ERR_IOLITE_CLOSED' });
    assert.deepEqual(
      (await one.cluster.stats()).map(({ name }) => name),
      ['m0'],
    );
  });

  test('links that were opened are counted as long as they live', async () => {
    await using shop = await Shop.open(server.url, 1, (_, response) => response.end());
    const { cluster } = shop.machines[0] as (typeof shop.machines)[0];
    await using endpoint = await cluster.listen('thumbnails');
    endpoint.on('channel', () => {});
    const link = cluster.connect('thumbnails');
    await watchdog(link.ready(), 'the link');
    assert.equal((await cluster.stats())[0]?.links, 1);
    await link.close();
    assert.equal((await cluster.stats())[0]?.links, 0);
  });
});
