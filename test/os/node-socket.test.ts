import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import {
  BareConnection,
  type ConnectionReader,
  interceptConnections,
  stopReading,
} from '../../src/os/node-socket.ts';
import { sendNow } from '../../src/os/socket.ts';
import { Folder } from '../support/folder.ts';
import { tcpPair } from '../support/tcp-pair.ts';
import { watchdog } from '../support/watchdog.ts';

/** What a connection brings. */
class Reader implements ConnectionReader {
  readonly buffer = Buffer.alloc(64 * 1024);
  text = '';
  isEnded = false;
  readsOn = true;
  #wake = (): void => {};

  filled(count: number): boolean {
    this.text += this.buffer.toString('latin1', 0, count);
    this.#wake();
    return this.readsOn;
  }

  ended(): void {
    this.isEnded = true;
    this.#wake();
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    while (!holds()) {
      await watchdog(
        new Promise<void>(resolve => {
          this.#wake = resolve;
        }),
        what,
      );
    }
  }
}

/** A server whose next connection is taken before it has a socket. */
async function intercepted(
  server: Server,
  address: { path: string } | { port: number; host: string },
): Promise<{
  readonly connection: BareConnection;
  readonly client: Socket;
}> {
  const taken = new Promise<BareConnection>(resolve => {
    interceptConnections(server, connection => {
      resolve(connection);
      return true;
    });
  });
  server.listen(address);
  await once(server, 'listening');
  const at = server.address() as AddressInfo | string;
  const client = typeof at === 'string' ? connect(at) : connect(at.port, '127.0.0.1');
  client.on('error', () => {});
  const connection = await watchdog(taken, 'a connection');
  return { connection, client };
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

for (const kind of ['TCP', 'Unix'] as const) {
  test(`a connection is read and closed without a socket of Node's (${kind})`, async () => {
    const server = createServer(() => assert.fail('Node makes no socket'));
    using folder = new Folder();
    const path = folder.file('socket');
    const { connection, client } = await intercepted(
      server,
      kind === 'TCP' ? { port: 0, host: '127.0.0.1' } : { path },
    );
    const reader = new Reader();
    connection.keep(reader, reader.buffer);
    connection.count();
    connection.count();
    assert.equal(await connections(server), 1);
    client.write('first');
    connection.resume();
    await reader.until(() => reader.text === 'first', 'the first bytes');
    // Whoever shares the buffer gets the same.
    connection.share();
    connection.share();
    client.write('second');
    await reader.until(() => reader.text === 'firstsecond', 'more bytes');
    reader.readsOn = false;
    client.write('third');
    await reader.until(() => reader.text.endsWith('third'), 'the last that is read');
    const answer = once(client, 'data');
    client.write('fourth');
    assert.equal(sendNow(connection.fd, Buffer.from('answer')), 6);
    assert.equal(String((await watchdog(answer, 'the answer'))[0]), 'answer');
    assert.equal(reader.text, 'firstsecondthird');
    connection.resume();
    await reader.until(() => reader.text.endsWith('fourth'), 'what waited');
    reader.readsOn = true;
    connection.resume();
    client.end();
    await reader.until(() => reader.isEnded, 'the end');
    const closed = once(server, 'close');
    server.close();
    assert.equal(connection.remoteAddress, kind === 'TCP' ? '127.0.0.1' : 'unix:');
    connection.close();
    connection.close();
    connection.resume();
    connection.pause();
    await watchdog(closed, 'the server to close');
    assert.equal(await connections(server), 0);
  });
}

test('a peer that resets its connection has ended', async () => {
  const server = createServer();
  const { connection, client } = await intercepted(server, { port: 0, host: '127.0.0.1' });
  const reader = new Reader();
  connection.keep(reader, reader.buffer);
  connection.share();
  connection.resume();
  client.resetAndDestroy();
  await reader.until(() => reader.isEnded, 'the end');
  connection.close();
  server.close();
});

for (const isShared of [false, true]) {
  test(`a connection is handed over, and made a socket of (${isShared ? 'late' : 'early'})`, async () => {
    const sockets: Socket[] = [];
    const server = createServer(socket => void sockets.push(socket));
    const { connection, client } = await intercepted(server, { port: 0, host: '127.0.0.1' });
    const reader = new Reader();
    connection.keep(reader, reader.buffer);
    connection.count();
    if (isShared) connection.share();
    connection.resume();
    client.write('for us');
    await reader.until(() => reader.text === 'for us', 'the first bytes');
    if (isShared) {
      // A socket beside it is counted in its place, and ends nothing when it ends.
      assert.equal(connection.makeSocket(), true);
      const beside = sockets.pop() as Socket;
      assert.equal(await connections(server), 1);
      const answer = once(client, 'data');
      beside.pause().write('by a socket');
      assert.equal(String((await watchdog(answer, 'the answer'))[0]), 'by a socket');
      connection.count();
      beside.destroy();
      await watchdog(once(beside, 'close'), 'the end of the socket');
    }
    assert.equal(await connections(server), 1);
    assert.equal(connection.handOver(), true);
    const [socket] = sockets as [Socket];
    client.write('for a socket');
    const [bytes] = await watchdog(once(socket, 'data'), 'what the socket reads');
    assert.equal(String(bytes), 'for a socket');
    assert.equal(reader.text, 'for us');
    assert.equal(await connections(server), 1);
    socket.destroy();
    client.destroy();
    await watchdog(new Promise(resolve => server.close(resolve)), 'the server to close');
  });
}

test('a connection is read beside its socket, which stays', async context => {
  const [socket, client] = await tcpPair(context);
  stopReading(socket);
  const connection = BareConnection.beside(socket) as BareConnection;
  const reader = new Reader();
  connection.keep(reader, reader.buffer);
  connection.share();
  connection.resume();
  client.write('bytes');
  await reader.until(() => reader.text === 'bytes', 'bytes');
  assert.equal(connection.canHaveSocket, false);
  assert.equal(connection.makeSocket(), false);
  connection.close();
  const answer = once(client, 'data');
  socket.write('answer');
  assert.equal(String((await watchdog(answer, 'the answer'))[0]), 'answer');
});

test('where something of what it takes is missing, Node makes sockets as ever', async () => {
  assert.equal(BareConnection.of({ fd: 1 }, { server: {}, accept: () => {} }), undefined);
  assert.equal(BareConnection.beside({} as Socket), undefined);
  for (const missing of [{ _emitCloseIfDrained: undefined }, { blockList: {} }, { maxConnections: 0 }]) {
    const server = Object.assign(createServer(), missing);
    interceptConnections(server, () => assert.fail('it is not shown'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const seen = Promise.race([once(server, 'connection'), once(server, 'drop')]);
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    const [socket] = (await watchdog(seen, 'a connection')) as [Partial<Socket>];
    socket.destroy?.();
    client.destroy();
    if (!('_emitCloseIfDrained' in missing)) server.close();
    else Reflect.deleteProperty(server, '_emitCloseIfDrained');
    if (server.listening) server.close();
  }
});
