import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { joinCluster } from '../../src/cluster/join-cluster.ts';
import { freePort, NatsServer, NatsTrio, withNats } from './support/nats-server.ts';

const ENTRY = new URL('../../src/cluster/join-cluster.ts', import.meta.url);

test('options are checked before anything is loaded or connected', async () => {
  const servers = 'nats://127.0.0.1:1';
  const wrong: [unknown, RegExp][] = [
    [undefined, /options are wanted/],
    [{ name: 'shop' }, /either servers or a connection/],
    [{ name: 'shop', servers, connection: {} }, /either servers or a connection/],
    [{ name: 'shop', connection: {} }, /a connection to NATS/],
    [{ name: 'a.b', servers }, /name/],
    [{ name: 'a'.repeat(33), servers }, /name/],
    [{ name: 'shop', servers: [] }, /servers are addresses/],
    [{ name: 'shop', servers: 'http://127.0.0.1' }, /servers are addresses/],
    [{ name: 'shop', servers, machine: 'a>b' }, /machine/],
    [{ name: 'shop', servers, replicas: 2 }, /replicas are 1, 3 or 5/],
    [{ name: 'shop', servers, maxlag: 1 }, /'maxlag' is unknown/],
    [{ name: 'shop', servers, complain: 'no' }, /complain is a function/],
  ];
  for (const [options, message] of wrong)
    await assert.rejects(joinCluster(options as never), { code: 'ERR_IOLITE_ARGUMENT', message });
  await assert.rejects(joinCluster({ name: 'shop', servers, maxLag: 100 }), { code: 'ERR_IOLITE_RANGE' });
});

test('no server of NATS: the error says where it was looked for, but not who asked', async () => {
  const port = await freePort();
  await assert.rejects(joinCluster({ name: 'shop', servers: `nats://me:hush@127.0.0.1:${port}` }), error => {
    const { code, message, mayRetry } = error as Error & { code: string; mayRetry: boolean };
    assert.equal(code, 'ERR_IOLITE_CLUSTER');
    assert(message.includes(`127.0.0.1:${port}`) && !message.includes('hush'), message);
    return mayRetry;
  });
});

test('a server that says nothing is given up', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer(socket => sockets.add(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  await assert.rejects(joinCluster({ name: 'shop', servers: `nats://127.0.0.1:${port}`, timeout: 200 }), {
    code: 'ERR_IOLITE_CLUSTER',
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('without the client of NATS the error says what to install', () => {
  const hooks = `data:text/javascript,${encodeURIComponent(`
    export function resolve(name, context, next) {
      if (name.startsWith('@nats-io/')) throw new Error('absent');
      return next(name, context);
    }`)}`;
  const program = `
    import { register } from 'node:module';
    register(${JSON.stringify(hooks)});
    const { joinCluster } = await import(${JSON.stringify(ENTRY.href)});
    await joinCluster({ name: 'shop', servers: 'nats://127.0.0.1:1' }).catch(error =>
      console.log(error.code, error.message));`;
  const { stdout } = spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', program]);
  assert.match(String(stdout), /^ERR_IOLITE_CLUSTER .*npm install @nats-io\/transport-node/);
});

test('who closes it ends its own connection, and none that was given', withNats, async () => {
  await using server = await NatsServer.start();
  const { connect } = await import('@nats-io/transport-node');
  const connection = await connect({ servers: server.url });
  const guest = await joinCluster({ name: 'shop', connection, machine: 'a' });
  assert.deepEqual([guest.name, guest.machine, guest.closed], ['shop', 'a', false]);
  await guest.close();
  await guest.close();
  assert.equal(guest.closed, true);
  assert.equal(connection.isClosed(), false);
  await connection.close();
  await using own = await joinCluster({ name: 'shop', servers: [server.url] });
  assert.notEqual(own.machine, '');
});

test('of several servers any will do', withNats, async () => {
  await using trio = await NatsTrio.start();
  await trio.servers[0]?.kill();
  await using cluster = await joinCluster({ name: 'shop', servers: trio.urls });
  assert.equal(cluster.closed, false);
});
