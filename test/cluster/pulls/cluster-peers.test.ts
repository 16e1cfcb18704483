import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { joinCluster } from '../../../src/cluster/join-cluster.ts';
import { ClusterPeers } from '../../../src/cluster/pulls/cluster-peers.ts';
import { Harness } from '../../http/proxy/support/harness.ts';
import { watchdog } from '../../support/watchdog.ts';
import { freePort, NatsServer, withNats } from '../support/nats-server.ts';

const SECRET = '0123456789abcdef';
/** What clients of all machines name the site. */
const HOST = { Host: 'shop.example' };

/** One machine: its place in a cluster, and a proxy of the origin that all have. */
interface Machine {
  readonly cluster: Cluster;
  readonly harness: Harness;
}

suite('what machines get from each other', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** Machines that have one origin, which is that of all: asked is what it was asked, in all. */
  async function machines(
    count: number,
    respond: (request: IncomingMessage, response: ServerResponse) => void,
  ) {
    const name = randomBytes(8).toString('hex');
    const asked: string[] = [];
    const all: Machine[] = [];
    for (let index = 0; index < count; index++) {
      const advertise = `http://127.0.0.1:${await freePort()}`;
      const cluster = await joinCluster({
        ...{ name, servers: server.url, machine: `m${index}`, complain: () => {} },
        ...{ advertise, secret: SECRET },
      });
      const harness = await Harness.start(
        (request, response) => {
          asked.push(request.url as string);
          respond(request, response);
        },
        // All say that they have the same origin: each has one of its own, at a port of its own.
        { cluster: sameSite(cluster), collapse: 'cluster' },
      );
      all.push({ cluster, harness });
    }
    for (const { cluster } of all)
      while (cluster.machines().filter(({ advertise }) => advertise !== undefined).length < count)
        await new Promise(resolve => setImmediate(resolve));
    return {
      all,
      asked,
      ownerOf: (path: string) => {
        const owner = all[0]!.cluster.peers.ownerOf(`http://shop.example${path}`)?.name ?? 'm0';
        return all.findIndex(({ cluster }) => cluster.machine === owner);
      },
      [Symbol.asyncDispose]: async () => {
        for (const { harness, cluster } of all) {
          await harness[Symbol.asyncDispose]();
          await cluster.close();
        }
      },
    };
  }

  function sameSite(cluster: Cluster) {
    const peers = cluster.peers as ClusterPeers;
    assert.ok(peers instanceof ClusterPeers);
    return {
      log: cluster.log,
      peers: {
        ownerOf: (target: string) => peers.ownerOf(target),
        suspect: peers.suspect.bind(peers),
        sign: ((peer, pull) => peers.sign(peer, { ...pull, site: 'shop' })) as ClusterPeers['sign'],
        isFill: peers.isFill.bind(peers),
        serve: ((_, answerer) => peers.serve('shop', answerer)) as ClusterPeers['serve'],
      },
    };
  }

  test('20 clients of each of 3 machines, one cold key: the origin is asked once', async () => {
    await using cluster = await machines(3, (_, response) => {
      response.setHeader('Cache-Control', 'max-age=600').end('fresh');
    });
    const got = await Promise.all(
      cluster.all.flatMap(({ harness }) => Array.from({ length: 20 }, () => harness.get('/cold', HOST))),
    );
    assert.ok(got.every(({ status, text }) => status === 200 && text === 'fresh'));
    assert.deepEqual(cluster.asked, ['/cold']);
    for (const { harness } of cluster.all)
      assert.match(
        String((await harness.get('/cold', HOST)).headers['cache-status']),
        /iolite; hit; ttl=\d+$/,
      );
  });

  test('what is for one client is got by each machine itself', async () => {
    await using cluster = await machines(2, (_, response) => {
      response.setHeader('Cache-Control', 'private, max-age=600').end('mine');
    });
    for (const { harness } of cluster.all) {
      const { text, headers } = await harness.get('/private', HOST);
      assert.equal(text, 'mine');
      assert.doesNotMatch(String(headers['cache-status']), /hit/);
    }
    // Once for the owner, which does not give it away, and once for who has asked it, for itself.
    assert.equal(cluster.asked.length, 3);
    for (const { harness } of cluster.all) await harness.get('/private', HOST);
    assert.equal(cluster.asked.length, 5);
  });

  test('a machine that is gone while it is asked: one of the others asks in its place', async () => {
    let held: ServerResponse | undefined;
    let isHeld = (): void => {};
    const holding = new Promise<void>(resolve => {
      isHeld = resolve;
    });
    await using cluster = await machines(3, (_, response) => {
      response.setHeader('Cache-Control', 'max-age=600');
      if (held === undefined) {
        held = response;
        isHeld();
      } else response.end('from another');
    });
    const owner = cluster.ownerOf('/slow');
    const others = cluster.all.filter((_, index) => index !== owner);
    const got = others.flatMap(({ harness }) => Array.from({ length: 20 }, () => harness.get('/slow', HOST)));
    await watchdog(holding, 'the origin to be asked');
    const gone = cluster.all[owner] as Machine;
    await (gone.cluster.peers as ClusterPeers).close();
    for (const each of got) assert.equal((await watchdog(each, 'an answer')).text, 'from another');
    assert.ok(cluster.asked.length <= 2, `${cluster.asked.length} times`);
  });

  test('a slow response that a purge overtakes is kept nowhere', async () => {
    let version = 0;
    let answer = (): void => {};
    let isAsked = (): void => {};
    const asking = new Promise<void>(resolve => {
      isAsked = resolve;
    });
    await using cluster = await machines(2, (_, response) => {
      const said = String(version);
      response.setHeader('Cache-Control', 'max-age=600');
      if (version > 0) response.end(said);
      else answer = () => response.end(said);
      isAsked();
    });
    const owner = cluster.ownerOf('/slow');
    const other = cluster.all[1 - owner] as Machine;
    const slow = other.harness.get('/slow', HOST);
    await watchdog(asking, 'the origin to be asked');
    version = 1;
    const { sequence } = await other.cluster.invalidate({ urls: ['/slow'] });
    await watchdog(other.cluster.applied(sequence), 'all machines');
    answer();
    await watchdog(slow, 'the slow response');
    for (const { harness } of cluster.all) assert.equal((await harness.get('/slow', HOST)).text, '1');
  });
});
