import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { ClusterOptions } from '../../src/cluster/cluster-options.ts';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import type { LogSelector } from '../../src/store/log/invalidation-log.ts';
import { watchdog } from '../support/watchdog.ts';
import { NatsServer, withNats } from './support/nats-server.ts';

suite('machines and their log', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** A cluster of its own for a test. */
  function clusterOf() {
    const name = randomBytes(8).toString('hex');
    return (options: Partial<ClusterOptions> = {}) =>
      joinCluster({ name, servers: server.url, complain: () => {}, ...options });
  }

  /** Follows a log, and holds each invalidation back until it is let go. */
  function follow(cluster: Cluster, topic = 'responses') {
    const taken: LogSelector[] = [];
    let letGo = (): void => {};
    const held = new Promise<void>(resolve => {
      letGo = resolve;
    });
    cluster.log.follow(topic, {
      carryOut: async selector => {
        taken.push(selector);
        await held;
      },
      distrust: async () => {},
      trust: () => {},
    });
    return { taken, letGo };
  }

  test('an invalidation is applied when each machine has carried it out', async () => {
    const join = clusterOf();
    await using a = await join({ machine: 'a' });
    await using b = await join({ machine: 'b' });
    const other = follow(b);
    const own = follow(a);
    own.letGo();
    const { sequence } = await a.invalidate({ urls: ['/x'], mode: 'stale' });
    const waiting = new AbortController();
    const applied = a.applied(sequence, { signal: waiting.signal });
    const held = a.log.appliedHere({ ...a.log.applied, sequence });
    await watchdog(held, 'the invalidation here');
    await assert.rejects(a.applied(sequence, { signal: AbortSignal.abort('left') }), /left/);
    assert.equal(await Promise.race([applied.then(() => 'applied'), 'waiting']), 'waiting');
    other.letGo();
    await watchdog(applied, 'the invalidation there');
    assert.deepEqual(other.taken, [{ urls: ['/x'], mode: 'stale' }]);
    assert.deepEqual(own.taken, other.taken);
  });

  test('who leaves is not waited for, and who joins later needs nothing of before', async () => {
    const join = clusterOf();
    await using a = await join({ machine: 'a' });
    const b = await join({ machine: 'b' });
    follow(b);
    const { sequence } = await a.invalidate({ groups: ['g'] });
    const applied = a.applied(sequence);
    await b.close();
    await watchdog(applied, 'the machine that stays');
    await using c = await join({ machine: 'c' });
    await watchdog(c.applied(sequence), 'the machine that came');
    assert.deepEqual(
      c.machines().map(({ name }) => name),
      ['a', 'c'],
    );
  });

  test('what is invalidated is checked here, and what is closed is closed', async () => {
    await using a = await clusterOf()();
    await assert.rejects(a.invalidate({ urls: ['x y'] }), { code: 'ERR_IOLITE_ARGUMENT' });
    await assert.rejects(a.invalidate({ url: ['/'] } as never), { code: 'ERR_IOLITE_ARGUMENT' });
    await assert.rejects(a.applied(-1), { code: 'ERR_IOLITE_RANGE' });
    const refused = assert.rejects(a.applied(1_000_000), { code: 'ERR_IOLITE_CLOSED' });
    await a.close();
    await refused;
    await assert.rejects(a.invalidate({ urls: ['/'] }), { code: 'ERR_IOLITE_CLOSED' });
    await assert.rejects(a.applied(1), { code: 'ERR_IOLITE_CLOSED' });
    assert.equal(a.connected, false);
  });

  test('2000 names of 1 KiB reach the others, in messages that servers take', async () => {
    const join = clusterOf();
    await using a = await join({ machine: 'a' });
    await using b = await join({ machine: 'b' });
    const other = follow(b);
    other.letGo();
    const urls = Array.from({ length: 2000 }, (_, index) => `/${index}${'x'.repeat(1024)}`);
    const { sequence } = await a.invalidate({ urls });
    await watchdog(a.applied(sequence), 'all of them');
    const named = other.taken.flatMap(({ urls: some = [] }) => some);
    assert.equal(new Set(named).size, urls.length);
    assert(other.taken.length > 3);
  });

  test('a message that nobody here understands makes all stale', async () => {
    await using a = await clusterOf()();
    let distrusted = 0;
    a.log.follow('responses', {
      carryOut: async () => {},
      distrust: async () => {
        distrusted += 1;
      },
      trust: () => {},
    });
    const { connect } = await import('@nats-io/transport-node');
    const connection = await connect({ servers: server.url });
    connection.publish(`iolite.${a.name}.inv`, '{"kind":"of the future"}');
    await connection.flush();
    const { sequence } = await a.invalidate({ urls: ['/'] });
    await a.applied(sequence);
    assert.equal(distrusted, 1);
    await connection.close();
  });
});
