import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import {
  FrameType,
  MAX_FRAME_BYTES,
  MAX_SLICES,
  MessageKind,
  PROTOCOL_MAGIC,
  PROTOCOL_VERSION,
  STREAM_WINDOW_PIECES,
} from '../../src/ipc/wire/frame.ts';
import { MAX_HEAD_LEVELS, MAX_HEAD_NAMES } from '../../src/ipc/wire/weight.ts';
import { writeGeneration, writeHeader } from '../../src/memory/header.ts';
import { closeDescriptor, reopenReadOnly } from '../../src/os/descriptor.ts';
import { libc } from '../../src/os/libc.ts';
import { map } from '../../src/os/mapping/mapping.ts';
import { addSeals, createMemfd, Seal } from '../../src/os/memfd.ts';
import { peekDescriptor, sendDescriptor, socketPair } from '../../src/os/socket.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';
import { grantFrame, HELLO, Hostile, messageFrame, rawFrame, Sample } from '../support/hostile.ts';
import { frame } from '../support/raw-peer.ts';
import { longestStandstill, standsUp } from '../support/standstill.ts';
import { watchdog } from '../support/watchdog.ts';

const { ONE_WAY, REQUEST, RESPONSE, FAILURE, STREAM, PIECE, END } = MessageKind;
const PROTOCOL = 'ERR_IOLITE_PROTOCOL';
const SIZE = 64 * 1024;
const ALL_SEALS = Seal.SHRINK | Seal.GROW | Seal.FUTURE_WRITE;

let sample: Sample;
let bystander: ChannelPair;
before(async () => {
  sample = new Sample();
  bystander = new ChannelPair();
  bystander.far.onRequest(({ head }) => ({ head: head ?? null }));
  await bystander.near.ready();
});
after(() => {
  bystander[Symbol.dispose]();
  sample[Symbol.dispose]();
});

/**
 * Sees that a test leaves nothing: no descriptor, no mapping, no lease, that another channel noticed nothing,
 * and that the loop did not stand still.
 */
async function leavesNothing(attacks: () => Promise<void>): Promise<void> {
  const held = await settledHoldings();
  await standsUp('the channel', () => longestStandstill(attacks));
  assert.equal((await watchdog(bystander.near.request({ head: 'well?' }), 'the bystander')).head, 'well?');
  await holdingsReturnTo(held);
  assert.equal(sample.pool.stats().chunks, 1);
  assert.equal(sample.chunk.isLeasedElsewhere(), false);
}

/** What the channel does with these bytes after a greeting, the sample granted as chunk 1. */
async function answerTo(bytes: readonly Uint8Array[], name: string): Promise<string | undefined> {
  using hostile = new Hostile();
  const fd = sample.descriptor();
  hostile.pass(1, fd);
  closeDescriptor(fd);
  hostile.peer.write(HELLO, sample.grant(1), ...bytes);
  hostile.peer.socket.end();
  return await hostile.code().catch(error => assert.fail(`${name}: ${error.message}`));
}

const whole = (): number[] => sample.slice(1);

test('frames that are not as described cut the peer off', async () => {
  const body = { slices: [whole()] };
  const cases: Record<string, readonly Uint8Array[]> = {
    'type 0': [frame(0, [])],
    'type 13': [frame(13, [])],
    'type 255': [frame(255, [1, 2, 3])],
    'a second greeting': [HELLO],
    'a refusal afterwards': [frame(FrameType.REFUSED, [1])],
    'a length of 4 GiB': [Buffer.from([255, 255, 255, 255, 4, 0, 0, 0])],
    'a length of 4 MiB and 1': [lengthOf(MAX_FRAME_BYTES + 1)],
    'bits that are zero': [Buffer.from([0, 0, 0, 0, FrameType.BYE, 0, 1, 0])],
    'an unknown kind': [messageFrame(7, 1)],
    'an unknown kind with a body': [messageFrame(0xffff_ffff, 1, body)],
    'a head longer than the frame': [messageFrame(ONE_WAY, 0, { head: '1' }, { head: 2 })],
    'a head of 4 GiB': [messageFrame(ONE_WAY, 0, { head: '1' }, { head: 0xffff_ffff })],
    'a head shorter than the frame': [messageFrame(ONE_WAY, 0, { head: '11' }, { head: 1 })],
    'fewer slices than stated': [messageFrame(ONE_WAY, 0, body, { slices: 2 })],
    'more slices than stated': [messageFrame(ONE_WAY, 0, body, { slices: 0 })],
    'so many slices that 32 bits overflow': [messageFrame(ONE_WAY, 0, body, { slices: 0x1000_0001 })],
    'slices of no body': [messageFrame(ONE_WAY, 0, { ...body, flags: 0 })],
    'a head that is no JSON': [messageFrame(ONE_WAY, 0, { head: '{' })],
    'a head of NUL': [messageFrame(ONE_WAY, 0, { head: '\0' })],
    'a head that is no UTF-8': [messageFrame(ONE_WAY, 0, { head: Buffer.from('"\xff"', 'latin1') })],
    'a head that is too deep': [messageFrame(ONE_WAY, 0, { head: deep(MAX_HEAD_LEVELS + 1) })],
    'a head of too many names': [messageFrame(ONE_WAY, 0, { head: names(MAX_HEAD_NAMES + 1) })],
    'a head of a million brackets': [messageFrame(ONE_WAY, 0, { head: '['.repeat(1_000_000) })],
    'an acknowledgement of nothing sent': [frame(FrameType.ACKNOWLEDGE, [1, 0])],
    'a consumption of nothing sent': [frame(FrameType.ACKNOWLEDGE, [0, 1])],
    'an acknowledgement that goes back': [frame(FrameType.ACKNOWLEDGE, [0xffff_ffff, 0])],
    'an answer that nobody asked for': [messageFrame(RESPONSE, 1, { head: '1' })],
    'an answer with a body that nobody asked for': [messageFrame(RESPONSE, 1, body)],
    'a failure that nobody asked for': [messageFrame(FAILURE, 77, { head: '{}' })],
    'a request twice': [messageFrame(REQUEST, 5, body), messageFrame(REQUEST, 5, body)],
    'a chunk taken back that was not granted': [frame(FrameType.REVOKE, [2])],
    'a chunk taken back twice': [frame(FrameType.REVOKE, [1]), frame(FrameType.REVOKE, [1])],
    'a slice of a chunk that was taken back': [frame(FrameType.REVOKE, [1]), messageFrame(ONE_WAY, 0, body)],
    'a slice of a chunk that was not granted': [messageFrame(ONE_WAY, 0, { slices: [sample.slice(2)] })],
    'a slice of chunk 0': [messageFrame(ONE_WAY, 0, { slices: [sample.slice(0)] })],
    'a piece of no stream': [messageFrame(PIECE, 1, body)],
    'an end of no stream': [messageFrame(END, 1)],
    'a stream opened twice': [messageFrame(STREAM, 1), messageFrame(STREAM, 1)],
    'a piece without a body': [messageFrame(STREAM, 1), messageFrame(PIECE, 1)],
    'a piece after the end': [messageFrame(STREAM, 1), messageFrame(END, 1), messageFrame(PIECE, 1, body)],
    'a farewell in the middle of a stream': [messageFrame(STREAM, 1), frame(FrameType.BYE, [])],
    'a stream stopped without a number': [rawFrame(FrameType.STOP, Buffer.alloc(3))],
    'a stream stopped for no JSON': [rawFrame(FrameType.STOP, Buffer.from([1, 0, 0, 0, 0xff]))],
    'a stream stopped for a reason that is longer than a head': [
      rawFrame(FrameType.STOP, Buffer.from(`\0\0\0\0${JSON.stringify('x'.repeat(1024 ** 2))}`)),
    ],
    'a cut without a reason': [rawFrame(FrameType.CUT, Buffer.alloc(0))],
  };
  for (const [start, length] of [
    [0, 10],
    [4095, 1],
    [4095, 0],
    [4096, SIZE],
    [SIZE, 1],
    [SIZE + 1, 0],
    [0xffff_ffff, 0xffff_ffff],
    [0xffff_f000, 0x2000],
  ] as const) {
    const slices = [whole(), sample.slice(1, { start, length })];
    cases[`a slice of ${length} bytes from ${start}`] = [messageFrame(ONE_WAY, 0, { slices })];
  }
  await leavesNothing(async () => {
    for (const [name, bytes] of Object.entries(cases)) {
      assert.equal(await answerTo(bytes, name), PROTOCOL, name);
    }
  });
});

function lengthOf(length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(length, 0);
  header[4] = FrameType.MESSAGE;
  return header;
}

function deep(depth: number): string {
  return `${'['.repeat(depth)}"${'x'.repeat(MAX_HEAD_LEVELS)}[{\\"]"${']'.repeat(depth)}`;
}

/** A list of objects, each with a name that no other has. */
function names(count: number): string {
  return `[${Array.from({ length: count }, (_, i) => `{"k${i}":":"}`)}]`;
}

test('every frame of a fixed length is refused at any other', async () => {
  const lengths: [number, number][] = [
    [FrameType.GRANT, 32],
    [FrameType.REVOKE, 4],
    [FrameType.ACKNOWLEDGE, 8],
    [FrameType.FORGET, 4],
    [FrameType.BYE, 0],
    [FrameType.CANCEL, 4],
    [FrameType.CREDIT, 8],
  ];
  await leavesNothing(async () => {
    for (const [type, length] of lengths) {
      for (const wrong of [0, 1, length - 1, length + 1, 2 * length + 3, 100_000]) {
        if (wrong === length || wrong < 0) continue;
        const name = `${wrong} bytes of type ${type}`;
        assert.equal(await answerTo([rawFrame(type, Buffer.alloc(wrong))], name), PROTOCOL, name);
      }
    }
    for (let length = 0; length < 16; length++) {
      assert.equal(await answerTo([rawFrame(FrameType.MESSAGE, Buffer.alloc(length))], ''), PROTOCOL);
    }
  });
});

test('what is allowed at the edge is allowed', async () => {
  await leavesNothing(async () => {
    const allowed: Uint8Array[] = [
      messageFrame(ONE_WAY, 0, { head: deep(MAX_HEAD_LEVELS) }),
      messageFrame(ONE_WAY, 0, { head: `"${'['.repeat(600)}"` }),
      messageFrame(ONE_WAY, 0, { head: names(MAX_HEAD_NAMES) }),
      messageFrame(ONE_WAY, 0, { flags: 1 }),
      messageFrame(ONE_WAY, 0, { slices: [sample.slice(1, { start: 4096, length: SIZE - 4096 })] }),
      messageFrame(ONE_WAY, 0, { slices: [sample.slice(1, { start: SIZE, length: 0 })] }),
      messageFrame(ONE_WAY, 0, { slices: Array.from({ length: MAX_SLICES }, whole) }),
      frame(FrameType.CANCEL, [9]),
      frame(FrameType.FORGET, [9]),
      frame(FrameType.CREDIT, [9, 9]),
      rawFrame(FrameType.STOP, Buffer.from([9, 0, 0, 0, 0x31])),
    ];
    assert.equal(await answerTo(allowed, 'what is allowed'), 'ERR_IOLITE_PEER');
  });
});

test('generations that are not the present one are stale', async () => {
  await leavesNothing(async () => {
    for (const generation of [0, 2, 3, 0xffff_ffff]) {
      const slices = [whole(), sample.slice(1, { generation })];
      const bytes = [messageFrame(ONE_WAY, 0, { slices })];
      assert.equal(await answerTo(bytes, `generation ${generation}`), 'ERR_IOLITE_STALE');
    }
  });
});

test('greetings of other kinds are refused', async () => {
  await leavesNothing(async () => {
    for (const bytes of [
      frame(FrameType.HELLO, [PROTOCOL_MAGIC, PROTOCOL_VERSION + 1]),
      frame(FrameType.HELLO, [PROTOCOL_MAGIC, 0]),
      frame(FrameType.HELLO, [PROTOCOL_MAGIC + 1, PROTOCOL_VERSION]),
      frame(FrameType.HELLO, [PROTOCOL_MAGIC]),
      frame(FrameType.HELLO, [PROTOCOL_MAGIC, PROTOCOL_VERSION, 1]),
      frame(FrameType.HELLO, []),
      sample.grant(1),
      messageFrame(ONE_WAY, 0),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      using hostile = new Hostile();
      hostile.peer.write(bytes);
      assert.equal(await hostile.code(), PROTOCOL);
      await assert.rejects(hostile.channel.send({}), { code: PROTOCOL });
    }
  });
});

test('descriptors that are not what they have to be are refused and closed', async () => {
  const made: number[] = [];
  const keep = (fd: number): number => {
    made.push(fd);
    return fd;
  };
  const memfd = (seals: number, size = SIZE, header = true): number => {
    const fd = keep(createMemfd('iolite:fake', size));
    // All of the rest is in order.
    if (header) writeSync(fd, sample.chunk.bytes.subarray(0, 4096));
    if (seals !== 0) addSeals(fd, seals);
    return keep(reopenReadOnly(fd));
  };
  await leavesNothing(async () => {
    const readable = sample.descriptor();
    const writable = openSync(`/proc/self/fd/${readable}`, 'r+');
    closeDescriptor(readable);
    const [pipeLike, other] = socketPair('stream');
    keep(pipeLike);
    keep(other);
    const files = [
      openSync('/dev/zero', 'r'),
      openSync('/tmp', 'r'),
      openSync(process.execPath, 'r'),
      openSync('/proc/self/maps', 'r'),
    ];
    const fds: Record<string, number> = {
      'without SHRINK': memfd(ALL_SEALS & ~Seal.SHRINK),
      'without GROW': memfd(ALL_SEALS & ~Seal.GROW),
      'without FUTURE_WRITE': memfd(ALL_SEALS & ~Seal.FUTURE_WRITE),
      'without seals': memfd(0),
      'that is too small': memfd(ALL_SEALS, 4096),
      'that is smaller': memfd(ALL_SEALS, SIZE - 4096),
      'that is larger': memfd(ALL_SEALS, SIZE + 4096),
      'without a header': memfd(ALL_SEALS, SIZE, false),
      'that can be written': writable,
      'of a socket': pipeLike,
      'of a device': files[0] as number,
      'of a folder': files[1] as number,
      'of a file': files[2] as number,
      'of a file of /proc': files[3] as number,
    };
    const huge = libc().memfd_create('iolite:fake', 1 | 2 | 4);
    if (huge !== -1) {
      keep(huge);
      libc().ftruncate(huge, 2 * 1024 ** 2);
      addSeals(huge, ALL_SEALS);
      fds['of huge pages'] = keep(reopenReadOnly(huge));
    }
    for (const [name, fd] of Object.entries(fds)) {
      for (const onWrite of ['fault', 'copy'] as const) {
        using hostile = new Hostile({ onWrite });
        hostile.pass(1, fd);
        const size = name === 'of huge pages' ? 2 * 1024 ** 2 : SIZE;
        hostile.peer.write(HELLO, grantFrame(1, size, sample.chunk.id));
        assert.equal(await hostile.code(), PROTOCOL, `a descriptor ${name}`);
      }
    }
    for (const fd of [...files, writable]) closeSync(fd);
    for (const fd of made) closeDescriptor(fd);
  });
});

test('statements of a chunk that are not true are refused', async () => {
  const attacks: Record<string, (hostile: Hostile, fd: number) => void> = {
    'another size': hostile => hostile.peer.write(sample.grant(1, { size: SIZE + 4096 })),
    'a size of 0': hostile => hostile.peer.write(sample.grant(1, { size: 0 })),
    'a size of 32 GiB': hostile => hostile.peer.write(sample.grant(1, { size: 2 ** 35 })),
    'another id': hostile => hostile.peer.write(sample.grant(1, { id: '00'.repeat(16) })),
    'another number': hostile => hostile.peer.write(sample.grant(2)),
    'two statements, one descriptor': hostile => hostile.peer.write(sample.grant(1), sample.grant(2)),
    'the same number twice': (hostile, fd) => {
      hostile.pass(1, fd);
      hostile.peer.write(sample.grant(1), sample.grant(1));
    },
    'a descriptor too many in between': (hostile, fd) => {
      hostile.pass(2, fd);
      hostile.pass(3, fd);
      hostile.peer.write(sample.grant(1), sample.grant(3));
    },
  };
  await leavesNothing(async () => {
    for (const [name, attack] of Object.entries(attacks)) {
      using hostile = new Hostile();
      const fd = sample.descriptor();
      hostile.pass(1, fd);
      hostile.peer.write(HELLO);
      attack(hostile, fd);
      closeDescriptor(fd);
      assert.equal(await hostile.code(), PROTOCOL, name);
    }
    for (const note of [Buffer.from('x'), Buffer.alloc(64, 1)]) {
      using hostile = new Hostile();
      const fd = sample.descriptor();
      sendDescriptor(hostile.descriptors, note, fd);
      closeDescriptor(fd);
      hostile.peer.write(HELLO, sample.grant(1));
      assert.equal(await hostile.code(), PROTOCOL);
    }
    // None at all; and many that are never spoken of.
    using missing = new Hostile();
    missing.peer.write(HELLO, sample.grant(1));
    assert.equal(await missing.code(), PROTOCOL);
    using silent = new Hostile();
    for (let i = 0; i < 50; i++) {
      const fd = sample.descriptor();
      silent.pass(i, fd);
      closeDescriptor(fd);
    }
    silent.peer.write(HELLO);
    silent.peer.socket.end();
    assert.equal(await silent.code(), 'ERR_IOLITE_PEER');
  });
});

test('a farewell is the last word', async () => {
  await leavesNothing(async () => {
    for (const more of [frame(FrameType.BYE, []), messageFrame(ONE_WAY, 0, { head: '1' })]) {
      using hostile = new Hostile();
      hostile.peer.write(HELLO);
      await hostile.channel.ready();
      // It keeps the channel open until it is acknowledged.
      await hostile.channel.send({ head: 1 });
      hostile.peer.write(frame(FrameType.BYE, []), more);
      assert.equal(await hostile.code(), PROTOCOL);
    }
  });
});

test('the peer is told why, with the code', async () => {
  await leavesNothing(async () => {
    using hostile = new Hostile();
    hostile.peer.write(HELLO, frame(99, []));
    assert.equal(await hostile.code(), PROTOCOL);
    await hostile.peer.ended();
    const sent = Buffer.concat(hostile.peer.received).toString('latin1');
    assert.match(sent, /"code":"ERR_IOLITE_PROTOCOL","message":"The peer broke the protocol: frame type 99/);
    using pair = new ChannelPair({ maxHeadBytes: 10 });
    await pair.far.ready();
    await assert.rejects(pair.far.send({ head: 'x'.repeat(9) }), { code: 'ERR_IOLITE_LIMIT' });
  });
});

/** What an honest peer may send, from greeting to farewell. */
function conversation(): Buffer {
  const body = { slices: [whole(), sample.slice(1, { length: 3 })] };
  return Buffer.concat([
    HELLO,
    sample.grant(1, { flags: 1 }),
    messageFrame(ONE_WAY, 0, { head: '{"some":["head",1]}', ...body }),
    messageFrame(REQUEST, 7, { head: '"what?"', ...body }),
    frame(FrameType.ACKNOWLEDGE, [0, 0]),
    messageFrame(STREAM, 1, { head: '"stream"' }),
    messageFrame(PIECE, 1, body),
    messageFrame(END, 1),
    frame(FrameType.CANCEL, [7]),
    frame(FrameType.FORGET, [1]),
    frame(FrameType.REVOKE, [1]),
    frame(FrameType.BYE, []),
  ]);
}

/** The code of the channel's end after these bytes and the end of the socket. */
async function endAfter(bytes: Uint8Array): Promise<string | undefined> {
  using hostile = new Hostile();
  const fd = sample.descriptor();
  hostile.pass(1, fd);
  closeDescriptor(fd);
  hostile.peer.write(bytes);
  hostile.peer.socket.end();
  return await hostile.code();
}

test('a peer that dies at any byte is a dead peer', async () => {
  await leavesNothing(async () => {
    const bytes = conversation();
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(await endAfter(bytes.subarray(0, length)), 'ERR_IOLITE_PEER', `after ${length} bytes`);
    }
  });
});

test('a conversation byte by byte is the same conversation', async () => {
  await leavesNothing(async () => {
    using hostile = new Hostile();
    const fd = sample.descriptor();
    hostile.pass(1, fd);
    closeDescriptor(fd);
    for (const byte of conversation()) {
      hostile.peer.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    hostile.peer.socket.end();
    await hostile.code();
    assert.deepEqual(hostile.messages, [{ head: { some: ['head', 1] } }, { head: 'stream' }]);
  });
});

test('any mutation of a conversation ends in a coded error, or gracefully', async () => {
  const known = new Set([
    undefined,
    PROTOCOL,
    'ERR_IOLITE_PEER',
    'ERR_IOLITE_STALE',
    'ERR_IOLITE_LIMIT',
    'ERR_IOLITE_ACCESS',
  ]);
  await leavesNothing(async () => {
    const bytes = conversation();
    const place = fc.nat(bytes.length - 1);
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }),
      fc.record({ kind: fc.constant('flip' as const), at: place, byte: fc.nat(7) }),
      fc.record({ kind: fc.constant('insert' as const), at: place, byte: fc.nat(255) }),
      fc.record({ kind: fc.constant('remove' as const), at: place, byte: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('repeat' as const), at: place, byte: fc.integer({ min: 1, max: 80 }) }),
    );
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(mutations, async list => {
      const code = await endAfter(list.reduce(mutate, bytes));
      assert.ok(known.has(code), `${code}`);
    });
    await fc.assert(property, { numRuns: 1000 });
  });
});

function mutate(
  bytes: Buffer,
  { kind, at, byte }: { kind: 'set' | 'flip' | 'insert' | 'remove' | 'repeat'; at: number; byte: number },
): Buffer {
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (kind === 'insert') return Buffer.concat([head, Buffer.of(byte), tail]);
  if (kind === 'remove') return Buffer.concat([head, tail.subarray(byte)]);
  if (kind === 'repeat') return Buffer.concat([head, tail.subarray(0, byte), tail]);
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = kind === 'set' ? byte : (copy[at] as number) ^ (1 << byte);
  return copy;
}

test('a peer that sends more of a stream than it has credit for is cut off', async () => {
  await leavesNothing(async () => {
    using hostile = new Hostile({}, 'sleeps');
    const fd = sample.descriptor();
    hostile.pass(1, fd);
    closeDescriptor(fd);
    hostile.peer.write(HELLO, sample.grant(1), messageFrame(STREAM, 1));
    for (let i = 0; i <= STREAM_WINDOW_PIECES; i++) {
      hostile.peer.write(messageFrame(PIECE, 1, { slices: [whole()] }));
    }
    assert.equal(await hostile.code(), PROTOCOL);
  });
});

test('a peer that reads nothing makes nothing grow', async () => {
  await leavesNothing(async () => {
    using hostile = new Hostile();
    hostile.peer.socket.pause();
    hostile.peer.write(HELLO);
    using pool = createPool();
    using body = pool.from('x');
    let sent = 0;
    const sending = (async () => {
      for (; sent < 100_000; sent++) await hostile.channel.send({ head: 'x'.repeat(10_000), body });
    })();
    sending.catch(() => {});
    for (let turn = 0; turn < 500; turn++) {
      // It does not read, and is read all the same.
      hostile.peer.write(messageFrame(ONE_WAY, 0, { head: '1' }));
      await new Promise(setImmediate);
    }
    assert.ok(sent <= 1024, `${sent} messages were sent`);
    hostile.channel.destroy();
    await assert.rejects(watchdog(sending, 'the rejection'), { code: 'ERR_IOLITE_CLOSED' });
  });
});

test('who writes another generation under a lease is cut off, and passed no file of ours', async () => {
  await leavesNothing(async () => {
    using hostile = new Hostile();
    // Echoes: the first request's body is let go of, the second one's is passed back.
    let begin = (): void => {};
    const begun = new Promise<void>(resolve => {
      begin = resolve;
    });
    hostile.channel.onRequest(async ({ body }, { number, signal }) => {
      begin();
      if (number === 2) return { body: body as Aggregate };
      await once(signal, 'abort');
      body?.release();
      return {};
    });
    const fd = createMemfd('hostile', SIZE);
    const theirs = map(fd, SIZE, 'read-write', true);
    const id = writeHeader(theirs.bytes, 1, 'everyone');
    addSeals(fd, ALL_SEALS);
    const passed = reopenReadOnly(fd);
    hostile.pass(1, passed);
    const request = (number: number, generation: number): Buffer =>
      messageFrame(REQUEST, number, { slices: [[1, generation, 4096, 10]] });
    hostile.peer.write(HELLO, grantFrame(1, SIZE, id), request(1, 1));
    await watchdog(begun, 'the first request');
    writeGeneration(theirs.bytes, 2);
    hostile.peer.write(request(2, 2), frame(FrameType.REVOKE, [1]), frame(FrameType.CANCEL, [1]));
    assert.equal(await hostile.code(), PROTOCOL);
    assert.equal(peekDescriptor(hostile.descriptors), 'ended');
    for (const each of [passed, fd]) closeDescriptor(each);
  });
});
