import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { connect as connectChannel } from '../../src/ipc/meet/connect.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { MessageKind } from '../../src/ipc/wire/frame.ts';
import {
  closeDescriptor,
  closeElsewhere,
  duplicateDescriptor,
  reopenReadOnly,
} from '../../src/os/descriptor.ts';
import { libc } from '../../src/os/libc.ts';
import { tryLockExclusive } from '../../src/os/lock.ts';
import { addSeals, createMemfd, Seal } from '../../src/os/memfd.ts';
import { descriptorOf } from '../../src/os/node-socket.ts';
import { sendDescriptor } from '../../src/os/socket.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { grantFrame, HELLO, Hostile, messageFrame, Sample } from '../support/hostile.ts';
import { dial, dialBoth, frame } from '../support/raw-peer.ts';
import { longestStandstill, standsUp } from '../support/standstill.ts';
import { watchdog } from '../support/watchdog.ts';

const PROTOCOL = 'ERR_IOLITE_PROTOCOL';
const SIZE = 64 * 1024;
const ALL_SEALS = Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE;
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const LINGER_SECONDS = 20;

test('a chunk with a write lease on it is refused, and nobody waits for the lease', async () => {
  // Whoever holds the lease is told by this signal.
  const told = (): void => {};
  process.on('SIGIO', told);
  using sample = new Sample();
  const attack = async (): Promise<void> => {
    using hostile = new Hostile();
    const writable = createMemfd('iolite:leased', SIZE);
    for (let at = 0; at < SIZE; at += 4096)
      writeSync(writable, sample.chunk.bytes.subarray(0, 4096), 0, 4096, at);
    addSeals(writable, ALL_SEALS);
    const leased = reopenReadOnly(writable);
    closeDescriptor(writable);
    assert.equal(libc().fcntl(leased, F_SETLEASE, F_WRLCK), 0);
    hostile.pass(1, leased);
    hostile.peer.write(HELLO, grantFrame(1, SIZE, sample.chunk.id));
    assert.equal(await hostile.code(), PROTOCOL);
    assert.match(await hostile.message(), /lease/);
    closeDescriptor(leased);
  };
  await standsUp('a lease', () => longestStandstill(attack));
  process.off('SIGIO', told);
});

/** Connections over which nothing moves any more, whose closing waits for that. */
class Lingerers {
  readonly #server = createServer({ pauseOnConnect: true });
  readonly #accepted: Socket[] = [];

  async start(): Promise<void> {
    this.#server.on('connection', socket => this.#accepted.push(socket.on('error', () => {})));
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  /** A descriptor of one, which the caller passes on and closes while others have it. */
  async open(): Promise<number> {
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    const fd = duplicateDescriptor(descriptorOf(socket));
    const piece = Buffer.alloc(64 * 1024);
    while (libc().send(fd, piece, piece.length, 0x40) > 0);
    await setImmediate();
    while (libc().send(fd, piece, piece.length, 0x40) > 0);
    const linger = new Uint8Array(Int32Array.of(1, LINGER_SECONDS).buffer);
    assert.equal(libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length), 0);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    return fd;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#accepted) socket.destroy();
    this.#server.close();
  }
}

test('sockets that linger are refused, and nobody waits for them', async () => {
  using lingerers = new Lingerers();
  await lingerers.start();
  const attacks: ((hostile: Hostile, fd: number) => void)[] = [
    (hostile, fd) => {
      hostile.pass(1, fd);
      hostile.peer.write(HELLO, grantFrame(1, SIZE, '00'.repeat(16)));
    },
    // With another number.
    (hostile, fd) => {
      hostile.pass(2, fd);
      hostile.peer.write(HELLO, grantFrame(1, SIZE, '00'.repeat(16)));
    },
    // With a note that is too long.
    (hostile, fd) => {
      sendDescriptor(hostile.descriptors, Buffer.alloc(64), fd);
      hostile.peer.write(HELLO, grantFrame(1, SIZE, '00'.repeat(16)));
    },
    // Never spoken of.
    (hostile, fd) => {
      hostile.pass(1, fd);
      hostile.peer.write(HELLO, frame(99, []));
    },
  ];
  for (const [position, attack] of attacks.entries()) {
    await standsUp(`attack ${position}`, async () => {
      const fd = await lingerers.open();
      return longestStandstill(async () => {
        using hostile = new Hostile();
        attack(hostile, fd);
        closeDescriptor(fd);
        assert.equal(await hostile.code(), PROTOCOL);
      });
    });
  }
});

test('an endpoint waits for no descriptor that strangers send it', async () => {
  using lingerers = new Lingerers();
  await lingerers.start();
  for (const acl of ['everyone', { uids: [] }] as const) {
    const attack = async (): Promise<number> => {
      await using endpoint = await listen(`@iolite-standstill-${process.pid}`, { acl, greetingTimeout: 200 });
      const fds = [await lingerers.open(), await lingerers.open()];
      return await longestStandstill(async () => {
        const halves = [dial(endpoint.path, 'd', 'ab'.repeat(16)), dial(endpoint.path, 'm', 'cd'.repeat(16))];
        for (const half of halves) {
          const fd = fds.pop() as number;
          try {
            sendDescriptor(half, Buffer.from('IOL1'), fd);
            // It is on its way: whoever gets it, or drops it, closes it last.
            closeDescriptor(fd);
          } catch (error) {
            // So it is where the kernel can refuse them.
            assert.equal((error as { code: string }).code, 'EPERM');
            closeElsewhere(fd);
          }
        }
        for (const each of halves) closeDescriptor(each);
        if (acl !== 'everyone') {
          await assert.rejects(connectChannel(endpoint.path), { code: 'ERR_IOLITE_ACCESS' });
          return;
        }
        const { peer, descriptors } = dialBoth(endpoint.path);
        peer.write(HELLO);
        const { value: channel } = await endpoint[Symbol.asyncIterator]().next();
        channel?.destroy();
        await peer.ended();
        closeDescriptor(descriptors);
      });
    };
    await standsUp('an endpoint', attack);
  }
});

test('what a peer sent before it went is delivered, although it had not read everything', async () => {
  using sample = new Sample();
  using hostile = new Hostile();
  hostile.peer.write(HELLO);
  await hostile.channel.ready();
  // Its end never takes this.
  await hostile.channel.send({ body: sample.body });
  const fd = sample.descriptor();
  hostile.pass(1, fd);
  closeDescriptor(fd);
  hostile.closeDescriptors();
  const slices = [sample.slice(1)];
  hostile.peer.write(sample.grant(1), messageFrame(MessageKind.ONE_WAY, 0, { head: '"last words"', slices }));
  hostile.peer.socket.end();
  assert.equal(await hostile.code(), 'ERR_IOLITE_PEER');
  assert.deepEqual(hostile.messages, [{ head: 'last words' }]);
});

test('a chunk that another process has locked is waited for', async () => {
  using sample = new Sample();
  using pair = new ChannelPair();
  await Promise.all([pair.near.ready(), pair.far.ready()]);
  const messages = pair.far[Symbol.asyncIterator]();
  await pair.near.send({ body: sample.body });
  const first = await watchdog(messages.next(), 'the first message');
  first.value?.body?.release();
  // The lease outlives its use for a moment.
  while (sample.chunk.isLeasedElsewhere()) await new Promise(resolve => setTimeout(resolve, 1));
  const readable = sample.descriptor();
  const locker = libc().open(`/proc/self/fd/${readable}`, 2, 0);
  closeDescriptor(readable);
  assert.equal(tryLockExclusive(locker), true);
  let closed = false;
  pair.far.once('close', () => {
    closed = true;
  });
  await pair.near.send({ body: sample.body });
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  assert.equal(closed, false);
  closeDescriptor(locker);
  const second = await watchdog(messages.next(), 'the second message');
  assert.equal(second.value?.body?.toString(), 'content');
  second.value?.body?.release();
});

test('a chunk of which not all pages are there is refused', async () => {
  using sample = new Sample();
  using hostile = new Hostile();
  const writable = createMemfd('iolite:holes', SIZE);
  writeSync(writable, sample.chunk.bytes.subarray(0, 8192));
  addSeals(writable, ALL_SEALS);
  const fd = reopenReadOnly(writable);
  hostile.pass(1, fd);
  for (const each of [fd, writable]) closeDescriptor(each);
  hostile.peer.write(HELLO, grantFrame(1, SIZE, sample.chunk.id));
  assert.equal(await hostile.code(), PROTOCOL);
});
