import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../src/aggregate/pool.ts';
import { newToken, rendezvousName } from '../../src/ipc/meet/rendezvous.ts';
import { FrameType, MAX_SLICES, MessageKind } from '../../src/ipc/wire/frame.ts';
import { MAX_HEAD_NAMES } from '../../src/ipc/wire/weight.ts';
import type { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { connectUnix } from '../../src/os/unix-connect.ts';
import { grantFrame, messageFrame, rawFrame, Sample } from '../support/hostile.ts';
import { frame, HELLO } from '../support/raw-peer.ts';
import { type Attacker, WatchedEndpoint } from './support/watched-endpoint.ts';

const { ONE_WAY, REQUEST, RESPONSE } = MessageKind;
const MIB = 1024 ** 2;

let endpoint: WatchedEndpoint;
before(async () => {
  endpoint = new WatchedEndpoint();
  await endpoint.start();
});
after(() => endpoint[Symbol.asyncDispose]());

const repeat = (bytes: Buffer, times: number): Buffer => Buffer.concat(Array(times).fill(bytes));

/** A frame that ends a stream that is not there, for this reason. */
const stop = (reason: string): Buffer =>
  rawFrame(FrameType.STOP, Buffer.concat([Buffer.from([9, 0, 0, 0]), Buffer.from(reason)]));

/** JSON of nearly `length` bytes: an array of what `make` makes. */
function list(length: number, make: (i: number) => string): string {
  const parts: string[] = [];
  let size = 2;
  for (let i = 0; ; i++) {
    const part = make(i);
    size += part.length + 1;
    if (size > length) return `[${parts.join(',')}]`;
    parts.push(part);
  }
}

/** An object of six of sixteen members, of which no other has the same in the same order. */
function shuffled(i: number): string {
  const names = [...'abcdefghijklmnop'];
  const members: string[] = [];
  for (let left = i * 7919; members.length < 6; left = Math.floor(left / 3) + i) {
    members.push(`"${names.splice(left % names.length, 1)[0]}":0`);
  }
  return `{${members}}`;
}

/** An object in an object, and so on, all of their names different. */
function nested(i: number, levels: number): string {
  const names = Array.from({ length: levels }, (_, level) => `{"z${(i * levels + level).toString(36)}":`);
  return `${names.join('')}0${'}'.repeat(levels)}`;
}

test('floods of tiny frames do not stop the loop', async () => {
  const frames: Record<string, Buffer> = {
    CANCEL: frame(FrameType.CANCEL, [9]),
    FORGET: frame(FrameType.FORGET, [9]),
    CREDIT: frame(FrameType.CREDIT, [9, 9]),
    ACKNOWLEDGE: frame(FrameType.ACKNOWLEDGE, [0, 0]),
    STOP: stop('1'),
    'STOP with causes': stop('{"code":"A","message":"b","cause":{"name":"c","message":"d","cause":{}}}'),
  };
  for (const [name, bytes] of Object.entries(frames)) {
    await endpoint.withstand(attacker => attacker.flood(repeat(bytes, 50_000), 4), name);
  }
});

test('nor do messages, requests and answers to nothing', async () => {
  const floods: Record<string, Buffer> = {
    messages: repeat(messageFrame(ONE_WAY, 0, { head: '1' }), 50_000),
    requests: Buffer.concat(
      Array.from({ length: 50_000 }, (_, i) => messageFrame(REQUEST, i, { head: '1' })),
    ),
    answers: repeat(messageFrame(RESPONSE, 7, { head: '1' }), 50_000),
  };
  for (const [name, bytes] of Object.entries(floods)) {
    await endpoint.withstand(attacker => attacker.flood(bytes, 4), name);
  }
});

test('nor do heads and reasons that take long to read', async () => {
  const heads: Record<string, string> = {
    objects: list(MIB, () => '{}'),
    members: `{${list(MIB, i => `"k${i}":0`).slice(1, -1)}}`,
    'objects of all kinds': list(MIB, i => `{"k${i}":0}`),
    'as many names as may be': `[${Array.from({ length: MAX_HEAD_NAMES }, (_, i) => `{"k${i}":0}`)}]`,
    'as many in one another': `[${Array.from({ length: MAX_HEAD_NAMES / 400 }, (_, i) => nested(i, 400))}]`,
    'members in another order each': list(MIB, shuffled),
    'objects in one another': list(MIB, i => nested(i, 400)),
    nested: list(MIB, () => '['.repeat(500) + ']'.repeat(500)),
    strings: list(MIB, i => `"${i}"`),
    numbers: list(MIB, () => `1${'2'.repeat(700)}.5e-300`),
  };
  for (const [name, head] of Object.entries(heads)) {
    const bytes = messageFrame(ONE_WAY, 0, { head });
    await endpoint.withstand(attacker => attacker.flood(bytes, 4), name);
  }
  const reason = stop(list(4_000_000, i => `{"k${i}":0}`));
  const codes = await endpoint.withstand(attacker => attacker.flood(reason, 1), 'a reason');
  assert.ok(codes.includes('ERR_IOLITE_PROTOCOL'));
});

test('nor do bodies of very many slices', async () => {
  using sample = new Sample();
  for (const [count, times] of [
    [MAX_SLICES, 4],
    [10_000, 40],
    [250, 1000],
  ] as const) {
    const slices = Array.from({ length: count }, (_, i) =>
      sample.slice(1, { start: 4096 + ((i * 7919) % 50_000), length: 1 }),
    );
    const bytes = messageFrame(ONE_WAY, 0, { slices });
    const attack = async (attacker: Attacker): Promise<void> => {
      const fd = sample.descriptor();
      attacker.pass(1, fd);
      closeDescriptor(fd);
      attacker.peer.write(sample.grant(1));
      await attacker.flood(bytes, times);
    };
    await endpoint.withstand(attack, `${count} slices`);
  }
});

test('nor does a large chunk that is granted and taken back, and that its owner has let go of', async () => {
  // Whoever closes it last frees a gigabyte.
  const attack = async (attacker: Attacker): Promise<void> => {
    using pool = createPool({ name: 'large' });
    using body = pool.allocate(1024 * MIB).seal();
    const { size, id, grant } = chunkOf(body);
    for (let i = 0; i < 20; i++) {
      const fd = grant();
      attacker.pass(1, fd);
      closeDescriptor(fd);
      attacker.peer.write(grantFrame(1, size, id, 1), frame(FrameType.REVOKE, [1]));
    }
    const fd = grant();
    attacker.pass(1, fd);
    closeDescriptor(fd);
    await attacker.flood(grantFrame(1, size, id, 1), 1);
  };
  await endpoint.withstand(attack, 'a large chunk');
});

function chunkOf(body: { slices(): readonly { lease: { chunk: unknown } }[] }) {
  const chunk = body.slices()[0]?.lease.chunk as SharedChunk;
  return { size: chunk.size, id: chunk.id, grant: () => chunk.grant() };
}

/** Both connections of a peer, as soon as the endpoint has room in its queue. */
async function knock(path: string): Promise<{ messages: number; descriptors: number }> {
  const token = newToken();
  const ends: number[] = [];
  for (const role of ['d', 'm'] as const) {
    let fd = connectUnix(path, rendezvousName(role, token));
    for (; fd === undefined; fd = connectUnix(path, rendezvousName(role, token))) await setImmediate();
    ends.push(fd);
  }
  return { descriptors: ends[0] as number, messages: ends[1] as number };
}

test('nor do connections that come and go, greeting or not', async () => {
  const attack = async (): Promise<void> => {
    for (let i = 0; i < 1000; i++) {
      const { messages, descriptors } = await knock(endpoint.path);
      if (i % 2 === 0) writeSync(messages, HELLO);
      closeDescriptor(messages);
      closeDescriptor(descriptors);
    }
  };
  await endpoint.withstand(attack, 'connections');
});
