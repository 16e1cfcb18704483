import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { openListeners } from '../../../src/os/listen/listener.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Sockets that this process has open. */
function socketCount(): number {
  const targets = readdirSync('/proc/self/fd').map(name => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return '';
    }
  });
  return targets.filter(target => target.startsWith('socket:')).length;
}

function openingThrows(host: string, port: number, code: string): void {
  const before = socketCount();
  assert.throws(
    () => openListeners(host, port, 2),
    (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, code);
      assert.match(error.message, /^Cannot listen/);
      return true;
    },
  );
  assert.equal(socketCount(), before, 'a failure leaves no socket');
}

async function serverOn(fd: number): Promise<Server> {
  const server = createServer();
  server.listen({ fd });
  await watchdog(once(server, 'listening'), 'a server to listen');
  return server;
}

/** Not every machine has IPv6. */
const loopbacks = Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? [])
  .map(({ address }) => address)
  .filter(address => address === '127.0.0.1' || address === '::1');

for (const host of loopbacks) {
  test(`openListeners() divides the connections to ${host} among all its sockets`, async () => {
    const { fds, port } = openListeners(host, 0, 4);
    assert.ok(port > 0);
    const servers = await Promise.all(fds.map(serverOn));
    const clients: Socket[] = [];
    try {
      const reached = new Set<Server>();
      await watchdog(
        new Promise<void>((resolve, reject) => {
          const another = (): void => {
            const client = connect(port, host);
            client.on('error', reject);
            clients.push(client);
          };
          for (const server of servers) {
            server.on('connection', peer => {
              peer.destroy();
              reached.add(server);
              if (reached.size === servers.length) resolve();
              else another();
            });
          }
          another();
        }),
        'a connection to each socket',
      );
    } finally {
      for (const client of clients) client.destroy();
      for (const server of servers) server.close();
    }
  });
}

test('openListeners() takes the whole port: neither it nor a plain server has it a second time', async () => {
  const { fds, port } = openListeners('127.0.0.1', 0, 2);
  try {
    openingThrows('127.0.0.1', port, 'EADDRINUSE');
    openingThrows('0.0.0.0', port, 'EADDRINUSE');
    const server = createServer().listen(port, '127.0.0.1');
    const [error] = await watchdog(once(server, 'error'), 'listen to fail');
    assert.equal(error.code, 'EADDRINUSE');
  } finally {
    for (const fd of fds) closeDescriptor(fd);
  }
  const again = openListeners('127.0.0.1', port, 2);
  assert.equal(again.port, port, 'free again once closed');
  for (const fd of again.fds) closeDescriptor(fd);
});

test('openListeners() sees a port that a plain server has', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await watchdog(once(server, 'listening'), 'a server to listen');
  try {
    openingThrows('127.0.0.1', (server.address() as { port: number }).port, 'EADDRINUSE');
  } finally {
    server.close();
  }
});

test('openListeners() refuses addresses that are not ours, and what is no address, port or count', () => {
  openingThrows('192.0.2.1', 0, 'EADDRNOTAVAIL');
  if (loopbacks.includes('::1')) openingThrows('2001:db8::192.0.2.1', 0, 'EADDRNOTAVAIL');
  openingThrows('localhost', 0, 'ERR_IOLITE_ARGUMENT');
  openingThrows('fe80::1%lo', 0, 'ERR_IOLITE_ARGUMENT');
  openingThrows('', 0, 'ERR_IOLITE_ARGUMENT');
  assert.throws(() => openListeners('127.0.0.1', 65536, 1), { code: 'ERR_IOLITE_RANGE' });
  assert.throws(() => openListeners('127.0.0.1', 0, 0), { code: 'ERR_IOLITE_RANGE' });
});

test("openListeners() takes IPv4 connections on '::', or says that there is no IPv6", async () => {
  if (!loopbacks.includes('::1')) {
    assert.throws(() => openListeners('::', 0, 1), /^SystemError: Cannot /);
    return;
  }
  const { fds, port } = openListeners('::', 0, 1);
  const server = await serverOn(fds[0] as number);
  const client = connect(port, '127.0.0.1');
  try {
    await watchdog(once(server, 'connection'), 'a connection');
  } finally {
    client.destroy();
    server.close();
  }
});
