import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { ClusterPeers } from '../../../src/cluster/pulls/cluster-peers.ts';
import { watchdog } from '../../support/watchdog.ts';
import { NatsServer, withNats } from '../support/nats-server.ts';
import { HOST, type Machine, Shop } from '../support/shop.ts';

suite('what machines get from each other', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('20 clients of each of 3 machines, one cold key: the origin is asked once', async () => {
    await using shop = await Shop.open(server.url, 3, (_, response) => {
      response.setHeader('Cache-Control', 'max-age=600').end('fresh');
    });
    const got = await Promise.all(
      shop.machines.flatMap(({ harness }) => Array.from({ length: 20 }, () => harness.get('/cold', HOST))),
    );
    assert.ok(got.every(({ status, text }) => status === 200 && text === 'fresh'));
    assert.deepEqual(shop.asked, ['/cold']);
    for (const { harness } of shop.machines)
      assert.match(
        String((await harness.get('/cold', HOST)).headers['cache-status']),
        /iolite; hit; ttl=\d+$/,
      );
  });

  test('what is for one client is got by each machine itself', async () => {
    await using shop = await Shop.open(server.url, 2, (_, response) => {
      response.setHeader('Cache-Control', 'private, max-age=600').end('mine');
    });
    for (const { harness } of shop.machines) {
      const { text, headers } = await harness.get('/private', HOST);
      assert.equal(text, 'mine');
      assert.doesNotMatch(String(headers['cache-status']), /hit/);
    }
    // Once for the owner, which does not give it away, and once for who has asked it, for itself.
    assert.equal(shop.asked.length, 3);
    for (const { harness } of shop.machines) await harness.get('/private', HOST);
    assert.equal(shop.asked.length, 5);
  });

  test('a machine that is gone while it is asked: one of the others asks in its place', async () => {
    let held: ServerResponse | undefined;
    let isHeld = (): void => {};
    const holding = new Promise<void>(resolve => {
      isHeld = resolve;
    });
    await using shop = await Shop.open(server.url, 3, (_, response) => {
      response.setHeader('Cache-Control', 'max-age=600');
      if (held === undefined) {
        held = response;
        isHeld();
      } else response.end('from another');
    });
    const owner = shop.ownerOf('/slow');
    const others = shop.machines.filter((_, index) => index !== owner);
    const got = others.flatMap(({ harness }) => Array.from({ length: 20 }, () => harness.get('/slow', HOST)));
    await watchdog(holding, 'the origin to be asked');
    const gone = shop.machines[owner] as Machine;
    await (gone.cluster.peers as ClusterPeers).close();
    for (const each of got) assert.equal((await watchdog(each, 'an answer')).text, 'from another');
    assert.ok(shop.asked.length <= 2, `${shop.asked.length} times`);
  });

  test('a slow response that a purge overtakes is kept nowhere', async () => {
    let version = 0;
    let answer = (): void => {};
    let isAsked = (): void => {};
    const asking = new Promise<void>(resolve => {
      isAsked = resolve;
    });
    await using shop = await Shop.open(server.url, 2, (_, response) => {
      const said = String(version);
      response.setHeader('Cache-Control', 'max-age=600');
      if (version > 0) response.end(said);
      else answer = () => response.end(said);
      isAsked();
    });
    const owner = shop.ownerOf('/slow');
    const other = shop.machines[1 - owner] as Machine;
    const slow = other.harness.get('/slow', HOST);
    await watchdog(asking, 'the origin to be asked');
    version = 1;
    const { sequence } = await other.cluster.invalidate({ urls: ['/slow'] });
    await watchdog(other.cluster.applied(sequence), 'all machines');
    answer();
    await watchdog(slow, 'the slow response');
    for (const { harness } of shop.machines) assert.equal((await harness.get('/slow', HOST)).text, '1');
  });
});
