/**
 * Sending payloads to a child process: iolite's channel against process.send() with advanced serialisation.
 * The child reads the first and the last byte of each and tells when it has had them all. "By reference": the
 * same payload each time, filled before. "Filled": each payload is a new buffer, filled anew, on both sides.
 */
import { fork as forkPlain } from 'node:child_process';
import { once } from 'node:events';
import { createPool } from '../src/aggregate/pool.ts';
import { fork } from '../src/ipc/fork.ts';
import { type Comparison, compare, report } from './harness.ts';

const KiB = 1024;
const MiB = 1024 ** 2;

const pool = createPool({ name: 'bench' });
const { channel } = await fork(new URL('./ipc-child.js', import.meta.url));
const plain = forkPlain(new URL('./ipc-plain-child.js', import.meta.url), { serialization: 'advanced' });

async function sendOurs(times: number, size: number, fill: boolean): Promise<void> {
  const ready = pool.allocate(size);
  ready.bytes.fill(1);
  using same = ready.seal();
  const done = channel.request({ head: { expect: times } });
  for (let i = 0; i < times; i++) {
    if (!fill) {
      await channel.send({ body: same });
      continue;
    }
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

const sizes: [label: string, size: number, oursTimes: number, peerTimes: number][] = [
  ['1 KiB', KiB, 10_000, 3000],
  ['64 KiB', 64 * KiB, 5000, 500],
  ['1 MiB', MiB, 2000, 50],
  ['16 MiB', 16 * MiB, 500, 4],
];
const comparisons: Comparison[] = sizes.flatMap(([label, size, oursTimes, peerTimes]) => {
  const peer = (fill: boolean) => ({
    peerName: 'process.send, advanced',
    peer: (times: number) => sendPlain(times, size, fill),
    peerTimes,
  });
  const filled = Math.max(20, Math.min(oursTimes, Math.round((256 * MiB) / size)));
  return [
    {
      name: `${label}, sent by reference`,
      ours: times => sendOurs(times, size, false),
      oursTimes,
      ...peer(false),
    },
    {
      name: `${label}, filled and sent`,
      ours: times => sendOurs(times, size, true),
      oursTimes: filled,
      ...peer(true),
    },
  ];
});
report('ipc', await compare(comparisons, 5));
await channel.close();
plain.disconnect();
