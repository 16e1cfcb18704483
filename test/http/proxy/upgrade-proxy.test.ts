import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createNodeServer, type IncomingMessage, type Server as NodeServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { handleUpgrade } from '../../../src/http/node/handle-upgrade.ts';
import { createProxy } from '../../../src/http/proxy/proxy.ts';
import type { ProxyOptions } from '../../../src/http/proxy/proxy-options.ts';
import { createUpgradeProxy } from '../../../src/http/proxy/upgrade-proxy.ts';
import { createServer, type Server } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { RawClient } from '../support/raw-client.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

type Take = (socket: Duplex, request: IncomingMessage, head: Buffer) => void;

/** An origin that takes upgrades to WebSocket, and says of ordinary requests what they are for. */
async function originOf(t: TestContext, take: Take): Promise<string> {
  const server = createNodeServer((request, response) => response.end(`plain ${request.url}`));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (request.url === '/refused') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: so\r\n\r\nnot me');
      return;
    }
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${GUID}`)
      .digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
    );
    take(socket, request, head);
  });
  return listening(t, server);
}

async function listening(t: TestContext, server: NodeServer): Promise<string> {
  const sockets = new Set<Duplex>();
  server.on('connection', socket => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function frontOf(t: TestContext, options: Parameters<typeof createServer>[0]): Promise<Server> {
  const front = createServer(options);
  await front.listen(0, '127.0.0.1');
  t.after(() => front.close());
  return front;
}

function portOf(server: Server): number {
  return server.address()?.port as number;
}

function asked(path = '/', more = ''): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: front\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`
  );
}

const echo: Take = (socket, _, head) => {
  socket.write(head);
  socket.pipe(socket);
};

test('an upgrade passes with its fields, and bytes both ways, from the first on', async t => {
  let seen: IncomingMessage['headers'] = {};
  const origin = await originOf(t, (socket, request, head) => {
    seen = request.headers;
    echo(socket, request, head);
  });
  const front = await frontOf(t, { origin });
  using client = new RawClient(portOf(front), `${asked('/chat', 'Origin: http://front\r\n')}first`);
  const head = await client.until(/\r\n\r\n/);
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, /\r\nConnection: Upgrade\r\n/);
  assert.match(head, /\r\nUpgrade: websocket\r\n/);
  assert.match(head, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  assert.match(head, /\r\nsec-websocket-protocol: chat\r\n/i);
  await client.until(/first/);
  client.socket.write('second');
  await client.until(/second/);
  assert.equal(seen.origin, 'http://front');
  assert.equal(seen['x-forwarded-for'], '127.0.0.1');
  assert.match(String(seen.via), /iolite-/);
});

test('each side may end first, and gets what the other still has to say', async t => {
  const origin = await originOf(t, socket => {
    let got = '';
    socket.on('data', bytes => {
      got += bytes;
    });
    socket.on('end', () => socket.end(`got ${got}`));
  });
  const front = await frontOf(t, { origin });
  using client = new RawClient(portOf(front), asked());
  await client.until(/\r\n\r\n/);
  client.socket.end('last words');
  assert.equal(await client.whole(), 'got last words');

  let heard: (text: string) => void = () => {};
  const told = new Promise<string>(resolve => {
    heard = resolve;
  });
  const other = await originOf(t, socket => {
    socket.on('data', bytes => heard(String(bytes)));
    socket.end('bye');
  });
  const second = await frontOf(t, { origin: other });
  using late = new RawClient(portOf(second), asked());
  await late.until(/bye/);
  await watchdog(late.ended, 'the end');
  late.socket.write('still here');
  assert.equal(await watchdog(told, 'what comes after the end'), 'still here');
});

test('what is sent to one who does not read waits with its sender', async t => {
  const block = Buffer.alloc(1024 * 1024, 'x');
  const total = 256 * block.length;
  let written = 0;
  const origin = await originOf(t, socket => {
    const write = (): void => {
      while (written < total) {
        written += block.length;
        if (socket.write(block)) continue;
        socket.once('drain', write);
        return;
      }
      socket.end();
    };
    write();
  });
  const front = await frontOf(t, { origin });
  const socket = connect(portOf(front), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(asked());
  for (let before = -1; written !== before || written === 0; ) {
    before = written;
    for (let i = 0; i < 500; i++) await new Promise(setImmediate);
  }
  assert.ok(written < total);
  let got = 0;
  for await (const bytes of socket) got += (bytes as Buffer).length;
  assert.ok(got > total);
});

test('when one side is gone, the other learns of it', async t => {
  let closed = (): void => {};
  const gone = new Promise<void>(resolve => {
    closed = resolve;
  });
  const origin = await originOf(t, socket => socket.resume().on('end', closed));
  const front = await frontOf(t, { origin });
  using client = new RawClient(portOf(front), asked());
  await client.until(/\r\n\r\n/);
  client.socket.resetAndDestroy();
  await watchdog(gone, 'the end of the connection to the origin');
});

test('a refusal passes; so does an answer of whoever is asked before', async t => {
  using folder = new Folder();
  writeFileSync(folder.file('file.txt'), 'of a file');
  const origin = await originOf(t, echo);
  const front = await frontOf(t, {
    handler: ({ target }) =>
      target === '/secret' ? { status: 401, headers: [], body: undefined } : undefined,
    root: folder.path,
    origin,
  });
  using refused = new RawClient(portOf(front), asked('/refused'));
  const answer = await refused.whole();
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(answer, /\r\nx-why: so\r\n/i);
  assert.match(answer, /\r\n\r\nnot me$/);
  using guarded = new RawClient(portOf(front), asked('/secret'));
  assert.match(await guarded.whole(), /^HTTP\/1\.1 401 /);
  using file = new RawClient(portOf(front), asked('/file.txt'));
  assert.match(await file.whole(), /^HTTP\/1\.1 200 [\s\S]*of a file$/);
});

test('who asks for HTTP in another version gets an answer, with its body, and what came behind', async t => {
  const origin = await originOf(t, echo);
  const front = await frontOf(t, { origin });
  using client = new RawClient(
    portOf(front),
    'POST /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n' +
      'HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 4\r\n\r\nbodyGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await client.until(/plain \/1/);
  await client.until(/plain \/2/);
});

test('upgrades are bounded: 503 beyond, and an end makes room', async t => {
  const origin = await originOf(t, echo);
  const front = await frontOf(t, { origin: { origin, maxStreams: 1, complain: () => {} } });
  using first = new RawClient(portOf(front), asked());
  await first.until(/101/);
  using second = new RawClient(portOf(front), asked());
  assert.match(await second.whole(), /^HTTP\/1\.1 503 /);
  first.socket.end();
  await first.whole();
  const again = async (): Promise<void> => {
    using third = new RawClient(portOf(front), asked());
    if (!/^HTTP\/1\.1 101/.test(await third.until(/\r\n\r\n/))) await again();
  };
  await watchdog(again(), 'room');
});

test('an origin that is gone costs 502', async t => {
  const front = await frontOf(t, { origin: 'http://127.0.0.1:9' });
  using client = new RawClient(portOf(front), asked());
  assert.match(await client.whole(), /^HTTP\/1\.1 502 /);
});

test('a server that closes ends its upgrades in good order', async t => {
  const origin = await originOf(t, socket => socket.on('end', () => socket.end('good bye')));
  const front = createServer({ origin });
  await front.listen(0, '127.0.0.1');
  using client = new RawClient(portOf(front), asked());
  await client.until(/\r\n\r\n/);
  const closed = front.close();
  await client.until(/good bye/);
  await watchdog(client.ended, 'the end');
  client.socket.end();
  await watchdog(closed, 'the end of the server');
});

test('handleUpgrade() serves them in any server; createUpgradeProxy() declines the rest', async t => {
  const origin = await originOf(t, echo);
  for (const make of [createProxy, createUpgradeProxy] as ((
    options: ProxyOptions,
  ) => ReturnType<typeof createProxy>)[]) {
    const proxy = make({ origin });
    const server = createNodeServer((_, response) => response.end());
    server.on(
      'upgrade',
      (request, socket, head) => void handleUpgrade(proxy, request, socket as never, head),
    );
    const url = await listening(t, server);
    const port = Number(new URL(url).port);
    using client = new RawClient(port, `${asked()}hello`);
    await client.until(/hello/);
    using other = new RawClient(port, asked().replace('websocket', 'h2c'));
    const answer = await other.whole();
    assert.match(
      answer,
      make === (createUpgradeProxy as never) ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 200 [\s\S]*plain \//,
    );
    await proxy.close();
  }
});
