import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { ChannelOptions } from '../../../src/ipc/channel-options.ts';
import { connect, fork, listen, parentChannel, spawnThread } from '../../../src/ipc/index.ts';
import { MessageKind } from '../../../src/ipc/wire/frame.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { HELLO, Hostile, messageFrame, Sample } from '../../support/hostile.ts';
import { hostileTest } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';

const LIMIT = 'ERR_IOLITE_LIMIT';
const MiB = 1024 ** 2;

hostileTest('a peer that exceeds a quota is cut off, the quota named, and nothing is left', async () => {
  using sample = new Sample();
  const body = { slices: [sample.slice(1)] };
  const many = (count: number, ...frames: Buffer[]): Buffer[] =>
    Array.from({ length: count }, () => frames).flat();
  const attacks: [ChannelOptions, readonly Uint8Array[]][] = [
    [{ maxMessages: 3 }, many(4, messageFrame(MessageKind.ONE_WAY, 0, body))],
    [{ maxHeadBytes: 3 }, [messageFrame(MessageKind.ONE_WAY, 0, { head: '1234', ...body })]],
    [{ maxSlices: 2 }, [messageFrame(MessageKind.ONE_WAY, 0, { slices: many3(sample) })]],
    [{ maxBodyBytes: 20 }, [messageFrame(MessageKind.ONE_WAY, 0, { slices: many3(sample) })]],
    [{ maxMappedBytes: 5000 }, []],
    [{ maxChunks: 1 }, [sample.grant(2)]],
    [{ maxLeasedBytes: 5000 }, [messageFrame(MessageKind.ONE_WAY, 0, body)]],
    [{ maxStreams: 1 }, [1, 2].map(id => messageFrame(MessageKind.STREAM, id))],
  ];
  const before = await settledHoldings();
  for (const [options, frames] of attacks) {
    using hostile = new Hostile(options, 'sleeps');
    for (const index of [1, 2]) {
      const fd = sample.descriptor();
      hostile.pass(index, fd);
      closeDescriptor(fd);
    }
    hostile.peer.write(HELLO, sample.grant(1), ...frames);
    const [[name, most]] = Object.entries(options) as [[string, number]];
    assert.equal(await hostile.message(), `The peer exceeded its quota ${name} of ${most}`);
    assert.equal(await hostile.code(), LIMIT);
    await hostile.peer.ended();
    assert.match(Buffer.concat(hostile.peer.received).toString('latin1'), new RegExp(`its quota ${name}`));
  }
  await holdingsReturnTo(before);
});

function many3(sample: Sample): number[][] {
  return Array.from({ length: 3 }, () => sample.slice(1));
}

hostileTest('chunks that were taken back count as leased while bodies lie in them', async () => {
  using pool = createPool({ kind: 'seal' });
  using pair = new ChannelPair({}, { maxLeasedChunks: 4, maxChunks: 1000 });
  const held: Aggregate[] = [];
  pair.far.onRequest(({ head, body }) => {
    if (head === 'keep') held.push(body as Aggregate);
    else body?.release();
    return {};
  });
  const request = async (head: string): Promise<void> => {
    using body = pool.from('some');
    await watchdog(pair.near.request({ head, body }), 'the answer');
  };
  // Each chunk is taken back as its pool drops it, and those that were released do not count.
  for (let i = 0; i < 20; i++) await request('release');
  for (let i = 0; i < 4; i++) await request('keep');
  // The sender is told.
  await assert.rejects(request('keep'), {
    code: LIMIT,
    message: /cut this side off: .* maxLeasedChunks of 4/,
  });
  for (const each of held) each.release();
});

hostileTest('an honest sender waits, makes room, or gets an error, and the channel goes on', async () => {
  using pool = createPool();
  using pair = new ChannelPair(
    {},
    {
      maxMessages: 2,
      maxHeadBytes: 10,
      maxSlices: 3,
      maxBodyBytes: MiB,
      maxChunks: 2,
      maxMappedBytes: 3 * MiB,
    },
  );
  const { near, far } = pair;
  far.onRequest(({ head, body }) => {
    body?.release();
    return { head: head ?? null };
  });
  await near.ready();
  using small = pool.from('some');
  using slices = Aggregate.concat([small, pool.from('a'), pool.from('b'), pool.from('c')]);
  using large = pool.from('x'.repeat(MiB + 1));
  const refused: [object, RegExp][] = [
    [{ head: 'x'.repeat(10) }, /maxHeadBytes is 10, 12 were given/],
    [{ body: slices }, /maxSlices is 3, 4/],
    [{ body: large }, /maxBodyBytes is 1048576, 1048577/],
  ];
  for (const [message, text] of refused) {
    await assert.rejects(watchdog(near.request(message), 'the error'), { code: LIMIT, message: text });
    await assert.rejects(watchdog(near.send(message), 'the error'), { code: LIMIT, message: text });
  }
  // Many chunks, one after the other, all of them kept here; and then all in one message.
  const bodies = Array.from({ length: 10 }, () => pool.from('y'.repeat(MiB - 1)));
  for (let round = 0; round < 3; round++) {
    for (const body of bodies) assert.equal((await watchdog(near.request({ head: 1, body }), 'it')).head, 1);
  }
  assert.ok(far.imported.chunks <= 2);
  using tooMany = Aggregate.concat(bodies.slice(0, 3).map(each => each.slice(0, 10)));
  await assert.rejects(near.request({ body: tooMany }), { code: LIMIT, message: /maxChunks is 2, 3/ });
  let sent = 0;
  const sending = (async () => {
    for (; sent < 5; sent++) await near.send({ head: sent });
  })();
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  assert.equal(sent, 2);
  const messages = far[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) assert.equal((await watchdog(messages.next(), 'it')).value?.head, i);
  await sending;
  for (const body of bodies) body.release();
});

hostileTest('quotas are checked before anything is opened', async () => {
  const before = await settledHoldings();
  for (const [options, code] of [
    [{ maxMessages: 1025 }, 'ERR_IOLITE_RANGE'],
    [{ maxMessages: 0 }, 'ERR_IOLITE_RANGE'],
    [{ maxHeadBytes: 2 * MiB }, 'ERR_IOLITE_RANGE'],
    [{ maxChunks: 1.5 }, 'ERR_IOLITE_ARGUMENT'],
    [{ maxBodyBytes: '1' }, 'ERR_IOLITE_ARGUMENT'],
  ] as const) {
    const channel = options as ChannelOptions;
    await assert.rejects(fork('nothing.js', [], { channel }), { code });
    await assert.rejects(spawnThread('nothing.js', [], { channel }), { code });
    await assert.rejects(listen('@iolite-quotas', { channel }), { code });
    await assert.rejects(connect('@iolite-quotas', channel), { code });
    assert.throws(() => parentChannel(channel), { code });
  }
  await holdingsReturnTo(before);
});
