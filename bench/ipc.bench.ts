/**
 * Payloads sent to a child process: iolite's channel against process.send() with advanced serialisation and
 * against bytes written to a Unix socket. The child reads the first and the last byte of each and tells when
 * it has had them all. "By reference": the same payload each time, filled before. "Filled": each payload is a
 * new buffer, filled anew, on both sides. Parent and children are on two processors. Round trips: a request
 * whose body the child sends back, against 16 bytes through a socket.
 */
import { type ChildProcess, fork as forkPlain } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aggregate } from '../src/aggregate/aggregate.ts';
import { createPool } from '../src/aggregate/pool.ts';
import { fork } from '../src/ipc/meet/fork.ts';
import { type Comparison, compare, GiB, KiB, MiB, report } from './harness.ts';
import { placeOn } from './place.ts';

const pool = createPool({ name: 'bench' });
const CHILD = new URL('./ipc-child.js', import.meta.url);
const PLAIN_CHILD = new URL('./ipc-plain-child.js', import.meta.url);
/** Two processors: the children's is another than ours, but for those that are `near`. */
const HERE = 0x00;
const THERE = 0x01;

const { channel, process: child } = await fork(CHILD);
const near = await fork(CHILD);
const polling = await fork(CHILD, ['busy'], { channel: { busyPoll: 200 } });
const plain = forkPlain(PLAIN_CHILD, { serialization: 'advanced' });
const plainNear = forkPlain(PLAIN_CHILD, { serialization: 'advanced' });
const socket = await connect(plain);
const socketNear = await connect(plainNear);
for (const { pid } of [process, near.process, plainNear]) placeOn(pid, HERE);
for (const { pid } of [child, polling.process, plain]) placeOn(pid, THERE);

/** A plain child connects to a socket of ours: what it is sent there it counts, or sends back. */
async function connect(plain: ChildProcess): Promise<Socket> {
  const path = join(tmpdir(), `iolite-bench-${process.pid}.sock`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  plain.send({ connect: path });
  const [connected] = (await once(server, 'connection')) as [Socket];
  server.close();
  rmSync(path, { force: true });
  return connected.setNoDelay();
}

function filledBuffer(size: number): Aggregate {
  const draft = pool.allocate(size);
  draft.bytes.fill(1);
  return draft.seal();
}

async function sendOurs(times: number, body: Aggregate): Promise<void> {
  const done = channel.request({ head: { expect: times } });
  for (let i = 0; i < times; i++) await channel.send({ body });
  await done;
}

async function fillAndSendOurs(times: number, size: number): Promise<void> {
  const done = channel.request({ head: { expect: times } });
  for (let i = 0; i < times; i++) {
    const draft = pool.allocate(size);
    draft.bytes.fill(i);
    const body = draft.seal();
    await channel.send({ body });
    body.release();
  }
  await done;
}

async function sendPlain(times: number, size: number, fill: boolean): Promise<void> {
  const same = Buffer.alloc(size, 1);
  const done = once(plain, 'message');
  plain.send({ expect: times });
  for (let i = 0; i < times; i++) {
    const body = fill ? Buffer.allocUnsafe(size).fill(i) : same;
    if (!plain.send({ body })) await new Promise(resolve => setImmediate(resolve));
  }
  await done;
}

async function sendThroughSocket(times: number, size: number, fill: boolean): Promise<void> {
  const same = Buffer.alloc(size, 1);
  const done = once(plain, 'message');
  plain.send({ expectBytes: times * size });
  for (let i = 0; i < times; i++) {
    const body = fill ? Buffer.allocUnsafe(size).fill(i) : same;
    if (!socket.write(body)) await once(socket, 'drain');
  }
  await done;
}

async function echoOurs(times: number, body: Aggregate, through = channel): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { body: echoed } = await through.request({ body });
    echoed?.release();
  }
}

async function echoThroughSocket(times: number, through = socket, child = plain): Promise<void> {
  const ping = Buffer.alloc(16);
  await new Promise<void>(resolve => {
    let left = times;
    const pong = (): void => {
      left -= 1;
      if (left > 0) through.write(ping);
      else {
        through.off('data', pong);
        resolve();
      }
    };
    through.on('data', pong);
    child.send({ echo: true }, () => through.write(ping));
  });
  child.send({ echo: false });
  await once(child, 'message');
}

const sizes: [label: string, size: number, oursTimes: number, sendTimes: number, socketTimes: number][] = [
  ['1 KiB', KiB, 20_000, 3000, 20_000],
  ['64 KiB', 64 * KiB, 20_000, 500, 1000],
  ['1 MiB', MiB, 20_000, 50, 100],
  ['16 MiB', 16 * MiB, 20_000, 4, 10],
];

const oneWay = sizes.flatMap(([label, size, oursTimes, sendTimes, socketTimes]): Comparison[] => {
  const same = filledBuffer(size);
  const filled = Math.max(20, Math.min(oursTimes, Math.round((256 * MiB) / size)));
  const ours = (times: number): Promise<void> => sendOurs(times, same);
  const oursFilled = (times: number): Promise<void> => fillAndSendOurs(times, size);
  const send = { peerName: 'process.send, advanced', peerTimes: sendTimes };
  const socketCopy = { peerName: 'Unix socket', peerTimes: socketTimes };
  return [
    { name: `${label}, by reference`, ours, oursTimes, ...send, peer: n => sendPlain(n, size, false) },
    {
      name: `${label}, by reference`,
      ours,
      oursTimes,
      ...socketCopy,
      peer: n => sendThroughSocket(n, size, false),
    },
    {
      name: `${label}, filled`,
      ours: oursFilled,
      oursTimes: filled,
      ...send,
      peer: n => sendPlain(n, size, true),
    },
    {
      name: `${label}, filled`,
      ours: oursFilled,
      oursTimes: filled,
      ...socketCopy,
      peer: n => sendThroughSocket(n, size, true),
    },
  ];
});

const roundTrips = (
  [
    ['16 bytes', 16],
    ['1 KiB', KiB],
    ['1 MiB', MiB],
    ['64 MiB', 64 * MiB],
    ['1 GiB', GiB],
  ] as const
).map(([label, size]): Comparison => {
  const body = filledBuffer(size);
  return {
    name: `round trip of ${label}`,
    ours: times => echoOurs(times, body),
    oursTimes: 2000,
    peerName: '16 bytes through net.Socket',
    peer: times => echoThroughSocket(times),
    peerTimes: 2000,
  };
});

const nearBody = filledBuffer(MiB);
const nearby: Comparison = {
  name: 'round trip of 1 MiB, both on one processor',
  ours: times => echoOurs(times, nearBody, near.channel),
  oursTimes: 5000,
  peerName: '16 bytes through net.Socket',
  peer: times => echoThroughSocket(times, socketNear, plainNear),
  peerTimes: 5000,
};

const polled: Comparison = {
  name: 'round trip of 1 MiB, both sides polling 200 us',
  ours: times => echoOurs(times, polledBody, polling.channel),
  oursTimes: 2000,
  peerName: '16 bytes through net.Socket',
  peer: times => echoThroughSocket(times),
  peerTimes: 2000,
};
const polledBody = filledBuffer(MiB);

/** A hundred slices of 1 KiB that do not merge. */
function hundredSlices(): Aggregate {
  const whole = filledBuffer(200 * KiB);
  const body = Aggregate.empty();
  for (let i = 0; i < 100; i++) {
    const part = whole.slice(2 * i * KiB, (2 * i + 1) * KiB);
    body.append(part);
    part.release();
  }
  whole.release();
  return body;
}
const sliced = hundredSlices();

const manySlices: Comparison = {
  name: '100 slices of 1 KiB',
  ours: times => sendOurs(times, sliced),
  oursTimes: 10_000,
  peerName: 'process.send of 100 KiB, advanced',
  peer: times => sendPlain(times, 100 * KiB, false),
  peerTimes: 300,
};

report('ipc', await compare([...oneWay, ...roundTrips, nearby, polled, manySlices], 5));
await channel.close();
await near.channel.close();
await polling.channel.close();
for (const each of [socket, socketNear]) each.destroy();
for (const each of [plain, plainNear]) each.disconnect();
