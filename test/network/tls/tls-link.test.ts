import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { ByteLinkHost } from '../../../src/network/byte-link.ts';
import type { TlsLink } from '../../../src/network/tls/tls-link.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { ByteProxy } from '../support/byte-proxy.ts';
import { TlsLinkServer } from '../support/tls-link-server.ts';
import { certificateFor, settingsOf } from '../support/tls-settings.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof VERSIONS)[number];

/** What a client says first. */
const CLIENT_HELLO = Buffer.from(
  [
    'FgMBAVgBAAFUAwMX0/EOrpNjTyZ0R1ZZc9f/qEK1lrcI28UTsunxZh46bSAye83mZKEMUzDU0BXPOG1LA80kQDxelv',
    'vb49LfowtciAB2EwITAxMBwC/AK8AwwCwAnsAnAGfAKABrAKMAn8ypzKjMqsCvwK3Ao8CfwF3AYcBXwFMAosCuwKzA',
    'osCewFzAYMBWwFLAJABqwCMAQMAKwBQAOQA4wAnAEwAzADIAncChwJ3AUQCcwKDAnMBQAD0APAA1AC8A/wEAAJUACw',
    'AEAwABAgAKABYAFAAdABcAHgAZABgBAAEBAQIBAwEEACMAAAAWAAAAFwAAAA0AKgAoBAMFAwYDCAcICAgJCAoICwgE',
    'CAUIBgQBBQEGAQMDAwEDAgQCBQIGAgArAAUEAwQDAwAtAAIBAQAzACYAJAAdACAuEfuc4MealRpUpKm0s9Zje4sckP',
    'Lrnw45i5UDzb3EKA==',
  ].join(''),
  'base64',
);

function serverOf(folder: Folder, host?: (link: TlsLink) => ByteLinkHost): TlsLinkServer {
  return new TlsLinkServer(settingsOf([certificateFor(folder, 'localhost')]), host);
}

async function connected(port: number, version?: Version): Promise<TLSSocket> {
  const versions = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...versions });
  socket.on('error', () => {});
  await watchdog(once(socket, 'secureConnect'), 'a handshake');
  return socket;
}

/** Reads so many bytes. */
async function bytesFrom(socket: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  const all = (async () => {
    for await (const piece of socket.iterator({ destroyOnReturn: false })) {
      pieces.push(piece);
      length += piece.length;
      if (length >= count) return;
    }
  })();
  await watchdog(all, `${count} bytes`);
  return Buffer.concat(pieces);
}

/** However it was closed. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise(resolve => {
    if (socket.closed) resolve(undefined);
    else socket.once('close', resolve);
  });
}

/** Sends bytes and reads them again. */
async function echo(socket: TLSSocket, bytes: Buffer): Promise<void> {
  const back = bytesFrom(socket, bytes.length);
  socket.write(bytes);
  assert.ok((await back).equals(bytes));
}

/** Resolves when all links of a server are closed. */
async function allClosed(server: TlsLinkServer): Promise<void> {
  const closed = (async () => {
    while (server.open > 0) await new Promise(setImmediate);
  })();
  await watchdog(closed, 'connections to be closed');
}

test('bytes of any number go there and back, in TLS 1.2 and 1.3', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  for (const version of VERSIONS) {
    const socket = await connected(await server.port(), version);
    for (const count of [1, 100, 16_384, 16_385, 100_000, 1_500_000]) await echo(socket, randomBytes(count));
    socket.end();
    await watchdog(once(socket, 'end'), 'the end of the other side');
  }
  await allClosed(server);
});

test('bytes that come one by one make the same', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  await using proxy = await ByteProxy.before(await server.port(), () => (bytes, to) => {
    for (const byte of bytes) to.write(Buffer.of(byte));
  });
  for (const version of VERSIONS) {
    const socket = await connected(proxy.port, version);
    await echo(socket, randomBytes(3000));
    socket.destroy();
  }
});

test('connections whose bytes come in turns do not meet in the ring', async () => {
  using folder = new Folder();
  const links: TlsLink[] = [];
  // Each answer is told to the others, too, while what has come is still being read.
  await using server = serverOf(folder, link => {
    links.push(link);
    return {
      received: bytes => {
        const copy = Buffer.from(bytes);
        for (const each of links) if (!each.isClosed) each.send([copy]);
        return true;
      },
      drained: () => {},
      ended: () => link.close(),
      lost: () => {},
    };
  });
  const port = await server.port();
  const sockets = await Promise.all(Array.from({ length: 5 }, () => connected(port)));
  // A client of TLS 1.3 is done before the server is.
  while (links.length < 5) await new Promise(setImmediate);
  const wanted = 5 * 40_000;
  const read = sockets.map(socket => bytesFrom(socket, wanted));
  for (const [index, socket] of sockets.entries()) {
    for (let part = 0; part < 4; part++) socket.write(Buffer.alloc(10_000, index));
  }
  for (const bytes of await Promise.all(read)) {
    assert.equal(bytes.length, wanted);
    for (let index = 0; index < 5; index++)
      assert.equal(
        bytes.reduce((count, byte) => count + (byte === index ? 1 : 0), 0),
        40_000,
      );
  }
  for (const socket of sockets) socket.destroy();
});

test('a link that is paused keeps what came, and gives it when it is resumed', async () => {
  using folder = new Folder();
  let length = 0;
  let paused: (() => void) | undefined;
  const links: TlsLink[] = [];
  await using server = serverOf(folder, link => {
    links.push(link);
    return {
      received: bytes => {
        length += bytes.length;
        paused?.();
        return false;
      },
      drained: () => {},
      ended: () => link.close(),
      lost: () => {},
    };
  });
  const socket = await connected(await server.port());
  const sent = 300_000;
  socket.resume();
  socket.end(randomBytes(sent));
  while (length < sent) {
    await watchdog(
      new Promise<void>(resolve => {
        paused = resolve;
        links[0]?.resume();
      }),
      'more bytes',
    );
    // Others use the ring meanwhile.
    const other = await connected(await server.port());
    other.destroy();
  }
  assert.equal(length, sent);
  paused = undefined;
  links[0]?.resume();
  await watchdog(closed(socket), 'the end');
});

test('a client that leaves at whatever byte ends its own connection only', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  const port = await server.port();
  const steady = await connected(port);
  for (const version of VERSIONS) {
    for (let count = 0; count < 1000; count += 29) {
      let left = count;
      await using proxy = await ByteProxy.before(port, () => (bytes, to) => {
        const passed = bytes.subarray(0, left);
        left -= passed.length;
        to.write(passed);
        if (left === 0) to.destroy();
      });
      const versions = { minVersion: version, maxVersion: version };
      const socket = connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false, ...versions });
      socket.on('error', () => {});
      socket.on('secureConnect', () => socket.end(randomBytes(500)));
      socket.resume();
      await watchdog(closed(socket), `the end after ${count} bytes`);
    }
  }
  await echo(steady, randomBytes(10_000));
  steady.destroy();
  await allClosed(server);
});

test('bytes that are changed on their way end one connection, and so does garbage', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  const port = await server.port();
  const steady = await connected(port);
  for (const version of VERSIONS) {
    for (let at = 1; at < 1500; at += 97) {
      let passed = 0;
      await using proxy = await ByteProxy.before(port, () => (bytes, to) => {
        const copy = Buffer.from(bytes);
        const place = at - passed;
        if (place >= 0 && place < copy.length) copy[place] = (copy[place] as number) ^ 0x55;
        passed += copy.length;
        to.write(copy);
      });
      const versions = { minVersion: version, maxVersion: version };
      const socket = connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false, ...versions });
      socket.on('error', () => {});
      socket.on('secureConnect', () => socket.end(randomBytes(1200)));
      socket.resume();
      socket.setTimeout(200, () => socket.destroy());
      await watchdog(closed(socket), `the end of one that was changed at ${at}`);
    }
  }
  for (const first of [0x16, 0x17, 0x80, 0x00]) {
    const socket = connectTcp({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.resume();
    socket.end(Buffer.concat([Buffer.of(first, 3, 1, 0x3f, 0xff), randomBytes(20_000)]));
    await watchdog(closed(socket), 'the end of garbage');
  }
  await echo(steady, randomBytes(10_000));
  steady.destroy();
  await allClosed(server);
});

test('each side says that it ends, and hears that the other does', async () => {
  using folder = new Folder();
  const told: string[] = [];
  await using server = serverOf(folder, link => ({
    received: bytes => {
      told.push(bytes.toString());
      link.send([Buffer.from('last')]);
      link.end();
      return true;
    },
    drained: () => {},
    ended: () => {
      told.push('ended');
      link.close();
    },
    lost: () => told.push('lost'),
  }));
  const port = await server.port();
  for (const version of VERSIONS) {
    const versions = { minVersion: version, maxVersion: version };
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true, ...versions };
    const socket = connect(options);
    socket.write('first');
    assert.equal((await bytesFrom(socket, 4)).toString(), 'last');
    socket.resume();
    if (!socket.readableEnded) await watchdog(once(socket, 'end'), 'close_notify');
    // The other side is open still.
    socket.end();
    await watchdog(closed(socket), 'the end');
  }
  await allClosed(server);
  assert.deepEqual(told, ['first', 'ended', 'first', 'ended']);
});

test('a client may ask for new keys, and not for a new handshake', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  const port = await server.port();
  const client = async (version: string, command: string): Promise<string> => {
    const address = ['-connect', `127.0.0.1:${port}`, version];
    const child = promisify(execFile)('openssl', ['s_client', ...address], { timeout: 20_000 });
    const { stdin, stdout, stderr } = child.child;
    let said = '';
    const steps = [
      ['---\n', `${command}\n`],
      [command === 'K' ? 'KEYUPDATE' : 'RENEGOTIATING', 'said afterwards\n'],
      ['said afterwards', undefined],
    ] as const;
    let step = 0;
    const next = (text: Buffer | string): void => {
      said += String(text);
      for (let now = steps[step]; now !== undefined && said.includes(now[0]); now = steps[step]) {
        step += 1;
        if (now[1] === undefined) stdin?.end();
        else stdin?.write(now[1]);
      }
    };
    stdout?.on('data', next);
    stderr?.on('data', next);
    const output = await child.catch((error: { stdout?: string; stderr?: string }) => error);
    return `${output.stdout}${output.stderr}`;
  };
  assert.match(await client('-tls1_3', 'K'), /said afterwards/);
  assert.match(await client('-tls1_2', 'R'), /no renegotiation/);
});

test('a client that is told without end, and reads nothing, is ended', async () => {
  using folder = new Folder();
  let tell: (() => void) | undefined;
  let lost = false;
  await using server = serverOf(folder, link => {
    tell = () => link.send([Buffer.alloc(16_384)]);
    return {
      received: () => true,
      drained: () => {},
      ended: () => {},
      lost: () => {
        lost = true;
      },
    };
  });
  const socket = await connected(await server.port());
  socket.pause();
  while (tell === undefined) await new Promise(setImmediate);
  for (let told = 0; told < 10_000 && !lost; told++) {
    tell();
    await Promise.resolve();
  }
  assert.equal(lost, true);
  assert.equal(server.open, 0);
  socket.destroy();
});

test('connections that are opened and left take no memory afterwards', async () => {
  using folder = new Folder();
  await using server = serverOf(folder);
  const port = await server.port();
  const open = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const socket = connectTcp({ port, host: '127.0.0.1' });
          socket.on('error', () => {});
          await once(socket, 'connect');
          // Some say nothing, some begin a handshake that never ends.
          if (index % 2 === 0) socket.write(CLIENT_HELLO.subarray(0, index % 4 === 0 ? undefined : 100));
          if (index % 4 === 0) await once(socket, 'data');
          socket.resetAndDestroy();
          await once(socket, 'close');
        }),
      );
      await allClosed(server);
      server.links.length = 0;
    }
  };
  await open(500);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  await open(2000);
  globalThis.gc?.();
  const growth = process.memoryUsage().rss - before;
  assert.ok(growth < 24 * 1024 ** 2, `${growth} bytes more`);
});

test('a connection that reads on within a call about another takes nothing from that', async () => {
  using folder = new Folder();
  const links: TlsLink[] = [];
  const heard: string[] = [];
  let wake = (): void => {};
  await using server = serverOf(folder, link => {
    const isFirst = links.push(link) === 1;
    return {
      received: bytes => {
        if (!isFirst) links[0]?.resume();
        heard.push(bytes.toString('latin1', 0, 6));
        wake();
        return !isFirst;
      },
      ended: () => link.close(),
      drained: () => {},
      lost: () => {},
    };
  });
  const hears = async (said: string): Promise<void> => {
    while (!heard.includes(said))
      await new Promise<void>(resolve => {
        wake = resolve;
      });
  };
  const first = await connected(await server.port());
  const second = await connected(await server.port());
  first.write('first0');
  await watchdog(hears('first0'), 'the first');
  // Records of which all that is read at once cannot be decrypted at once.
  for (let count = 0; count < 200; count++)
    await new Promise(resolve => first.write(Buffer.alloc(1000, 'first'), resolve));
  for (const said of ['second', 'third!', 'fourth', 'fifth!']) {
    second.write(said);
    await watchdog(hears(said), said);
  }
  first.destroy();
  second.destroy();
});
