import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { watchdog } from '../support/watchdog.ts';
import { NatsServer, withNats } from './support/nats-server.ts';

suite('proxies of several machines', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** A machine: its place in a cluster, and a proxy. What it gets says which version there was. */
  async function machine(name: string, version: { now: number }, options = {}) {
    const cluster = await joinCluster({ name, servers: server.url, complain: () => {} });
    const harness = await Harness.start(
      (_, response) => {
        response.setHeader('Cache-Control', 'max-age=3600').setHeader('Cache-Groups', '"all"');
        response.end(String(version.now));
      },
      { cluster, ...options },
    );
    return {
      cluster,
      harness,
      get: async (path: string) => Number((await harness.get(path)).text),
      [Symbol.asyncDispose]: async () => {
        await harness[Symbol.asyncDispose]();
        await cluster.close();
      },
    };
  }

  test('no machine answers with what was before, once it is applied: by URL, prefix and group', async () => {
    const name = randomBytes(8).toString('hex');
    const version = { now: 0 };
    await using one = await machine(name, version);
    await using other = await machine(name, version);
    const selectors = [
      (path: string) => ({ urls: [path] }),
      (path: string) => ({ prefixes: [path], mode: 'stale' as const }),
      () => ({ groups: ['all'], mode: 'drop' as const }),
    ];
    for (let round = 0; round < 30; round++) {
      const path = `/${round % 5}`;
      await Promise.all([one.get(path), other.get(path)]);
      version.now += 1;
      const { sequence } = await one.cluster.invalidate(selectors[round % 3]!(path));
      await watchdog(one.cluster.applied(sequence), 'all machines');
      assert.deepEqual(await Promise.all([one.get(path), other.get(path)]), [version.now, version.now]);
    }
  });

  test('PURGE at one machine is for all', async () => {
    const name = randomBytes(8).toString('hex');
    const version = { now: 0 };
    const purge = { token: '0123456789abcdef' };
    await using one = await machine(name, version, { purge });
    await using other = await machine(name, version);
    await Promise.all([one.get('/a'), other.get('/a')]);
    version.now = 1;
    const headers = { Authorization: `Bearer ${purge.token}`, 'Cache-Groups': '"all"' };
    const { status, text } = await one.harness.send({ method: 'PURGE', path: '/a', headers });
    assert.equal(status, 200);
    await watchdog(one.cluster.applied(JSON.parse(text).sequence), 'all machines');
    assert.deepEqual(await Promise.all([one.get('/a'), other.get('/a')]), [1, 1]);
  });

  test('what was asked for before an invalidation, and comes after it, is not kept', async () => {
    const name = randomBytes(8).toString('hex');
    const version = { now: 0 };
    const cluster = await joinCluster({ name, servers: server.url, complain: () => {} });
    let answer = (): void => {};
    await using harness = await Harness.start(
      (_, response) => {
        const said = String(version.now);
        response.setHeader('Cache-Control', 'max-age=3600');
        answer = () => response.end(said);
        if (version.now > 0) answer();
      },
      { cluster },
    );
    const asked = new Promise(resolve => harness.once('asked', resolve));
    const slow = harness.get('/slow');
    await watchdog(asked, 'the origin to be asked');
    const { sequence } = await cluster.invalidate({ urls: ['/slow'] });
    await watchdog(cluster.applied(sequence), 'the invalidation');
    version.now = 1;
    answer();
    assert.equal((await slow).text, '0');
    assert.equal((await harness.get('/slow')).text, '1');
    await cluster.close();
  });
});
