import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, on, once } from 'node:events';
import { createServer, connect as dialNode, type Socket } from 'node:net';
import { test } from 'node:test';
import type { IoliteError } from '../../../src/base/error.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import type { Endpoint } from '../../../src/ipc/meet/endpoint.ts';
import { type ListenOptions, listen } from '../../../src/ipc/meet/listen.ts';
import { newToken } from '../../../src/ipc/meet/rendezvous.ts';
import { FrameReader, FrameType, PROTOCOL_MAGIC, PROTOCOL_VERSION } from '../../../src/ipc/wire/frame.ts';
import { readRefusal } from '../../../src/ipc/wire/refusal.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { nodePath } from '../../../src/os/unix-address.ts';
import { holdings, holdingsReturnTo } from '../../support/holdings.ts';
import { dial, dialBoth, frame, HELLO, RawPeer } from '../../support/raw-peer.ts';
import { hostileTest, longestStandstill, standsUp } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';

let names = 0;
const name = (): string => `@iolite-hostile-${process.pid}-${names++}`;

/**
 * An endpoint that answers; it has to go on doing so for an orderly client, never stand still, and keep
 * nothing, whatever `attack` does.
 */
async function withstand(attack: (endpoint: Endpoint) => Promise<void>, options: ListenOptions = {}) {
  const before = holdings();
  const endpoint = await listen(name(), options);
  const orderly = async (): Promise<void> => {
    await using channel = await connect(endpoint.path);
    assert.equal((await watchdog(channel.request({}), 'an answer')).head, 'answer');
  };
  endpoint.on('channel', channel => channel.onRequest(() => ({ head: 'answer' })));
  await using old = await connect(endpoint.path);
  await standsUp('the endpoint', () => longestStandstill(() => attack(endpoint)));
  await orderly();
  assert.equal((await watchdog(old.request({}), 'an answer')).head, 'answer');
  await old.close();
  await endpoint.close();
  await holdingsReturnTo(before);
}

/** Waits for the endpoint to refuse a connection. @returns the error's code */
async function refusal(endpoint: Endpoint): Promise<string> {
  const [error] = await watchdog(once(endpoint, 'refused'), 'a refusal');
  return (error as { code: string }).code;
}

test('garbage from strangers is refused, and they are told', async () => {
  await withstand(async endpoint => {
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      randomBytes(100_000),
      HELLO,
      Buffer.alloc(0),
    ]) {
      const refused = refusal(endpoint);
      const stranger = dialNode(nodePath(endpoint.path)).on('error', () => {});
      stranger.write(bytes);
      const [answer] = await watchdog(once(stranger, 'data'), 'the reason');
      assert.deepEqual(answer, frame(FrameType.REFUSED, [3]));
      assert.equal(await refused, 'ERR_IOLITE_PROTOCOL');
      stranger.destroy();
    }
  });
});

function readRefusalIn(bytes: Buffer): IoliteError {
  let error: IoliteError | undefined;
  new FrameReader().push(bytes, frame => {
    error = readRefusal(frame);
  });
  assert.ok(error !== undefined);
  return error;
}

test('a message socket without its descriptor socket becomes no channel', async () => {
  await withstand(async endpoint => {
    const refused = refusal(endpoint);
    using peer = new RawPeer(dial(endpoint.path, 'm', newToken()));
    assert.equal(await refused, 'ERR_IOLITE_PEER');
    await peer.ended();
    // An honest one did connect both: the endpoint has lost the other.
    const error = readRefusalIn(Buffer.concat(peer.received));
    assert.equal(error.code, 'ERR_IOLITE_PEER');
    assert.match(error.message, /only one of the two sockets/);
  });
});

/** Offers greetings, each on a connection of its own, which is refused with the code. */
async function refuses(endpoint: Endpoint, greetings: readonly Buffer[], code: string): Promise<void> {
  for (const bytes of greetings) {
    const refused = refusal(endpoint);
    const { peer, descriptors } = dialBoth(endpoint.path);
    peer.write(bytes);
    assert.equal(await refused, code);
    await peer.ended();
    closeDescriptor(descriptors);
  }
}

test('a connection that greets in another language becomes no channel', async () => {
  const greetings = [
    frame(FrameType.HELLO, [PROTOCOL_MAGIC + 1, PROTOCOL_VERSION]),
    frame(FrameType.HELLO, [PROTOCOL_MAGIC, 1]),
    frame(FrameType.HELLO, [PROTOCOL_MAGIC]),
    frame(FrameType.BYE, []),
    Buffer.from([255, 255, 255, 255, 1, 0, 0, 0]),
  ];
  await withstand(endpoint => refuses(endpoint, greetings, 'ERR_IOLITE_PROTOCOL'));
});

test('a connection that does not greet in time becomes no channel', async () => {
  const greetings = [HELLO.subarray(0, HELLO.length - 1), Buffer.alloc(0)];
  // Time enough for those that do, on a machine that has much to do.
  await withstand(endpoint => refuses(endpoint, greetings, 'ERR_IOLITE_PEER'), { greetingTimeout: 2000 });
});

test('a flood of first halves is bounded, and nobody is kept out by it', async () => {
  await withstand(async endpoint => {
    const before = holdings().descriptors;
    const carriers: number[] = [];
    for (let i = 0; i < 700; i++) {
      carriers.push(dial(endpoint.path, 'd', newToken()));
      if (i % 100 === 0) await (await connect(endpoint.path)).close();
    }
    await (await connect(endpoint.path)).close();
    const held = holdings().descriptors - before - carriers.length;
    assert.ok(held <= 256 + 4, `${held} descriptors more are held`);
    for (const fd of carriers) closeDescriptor(fd);
  });
});

test('channels that never greet make room for those that do; beyond that the endpoint is full', async () => {
  await withstand(
    async endpoint => {
      const silent = Array.from({ length: 20 }, () => dialBoth(endpoint.path));
      const channels: Channel[] = [];
      // One channel is open already.
      for (let i = 0; i < 3; i++) channels.push(await watchdog(connect(endpoint.path), 'a channel'));
      await assert.rejects(watchdog(connect(endpoint.path), 'the rejection'), { code: 'ERR_IOLITE_LIMIT' });
      assert.equal(endpoint.channels, 4);
      for (const { peer, descriptors } of silent) {
        await peer.ended();
        closeDescriptor(descriptors);
      }
      for (const channel of channels) await channel.close();
    },
    { maxChannels: 4 },
  );
});

test('an orderly client connects while garbage and silence go on', async () => {
  await withstand(async endpoint => {
    const noise = new EventEmitter();
    let connections = 0;
    const attack = (): void => {
      const stranger = dialNode(nodePath(endpoint.path), () => noise.emit('connected'));
      stranger.on('error', () => {}).write(randomBytes(64));
      connections += 1;
      stranger.once('close', () => connections < 200 && attack()).setTimeout(5, () => stranger.destroy());
    };
    for (let i = 0; i < 10; i++) attack();
    for await (const _ of on(noise, 'connected')) {
      await (await watchdog(connect(endpoint.path), 'a channel')).close();
      if (connections >= 100) break;
    }
    connections = 200;
  });
});

hostileTest('connect() to what is no endpoint fails with a code, and leaves nothing', async () => {
  const before = holdings();
  const answers: [(socket: Socket) => void, string][] = [
    [socket => socket.end(), 'ERR_IOLITE_PEER'],
    [socket => socket.destroy(), 'ERR_IOLITE_PEER'],
    [socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_IOLITE_PROTOCOL'],
    [socket => socket.write(frame(FrameType.HELLO, [PROTOCOL_MAGIC, 1])), 'ERR_IOLITE_PROTOCOL'],
    [socket => socket.write(frame(FrameType.REFUSED, [99])), 'ERR_IOLITE_PEER'],
    [socket => socket.write(frame(FrameType.REFUSED, [])), 'ERR_IOLITE_PROTOCOL'],
    [socket => socket.write(frame(FrameType.MESSAGE, [0, 0, 0, 0])), 'ERR_IOLITE_PROTOCOL'],
    [socket => socket.write(randomBytes(4 * 1024 ** 2)), 'ERR_IOLITE_PROTOCOL'],
  ];
  for (const [answer, code] of answers) {
    const path = name();
    const sockets: Socket[] = [];
    const server = createServer(socket => {
      sockets.push(socket.on('error', () => {}));
      answer(socket);
    });
    await once(server.listen(nodePath(path)), 'listening');
    await assert.rejects(watchdog(connect(path), 'the rejection'), { code });
    server.close();
    for (const socket of sockets) socket.destroy();
  }
  await holdingsReturnTo(before);
});
