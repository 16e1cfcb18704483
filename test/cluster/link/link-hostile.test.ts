import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Link } from '../../../src/cluster/link/link.ts';
import type { LinkEndpoint } from '../../../src/cluster/link/link-endpoint.ts';
import { FrameType, MessageKind } from '../../../src/ipc/wire/frame.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Machines } from '../support/machines.ts';
import { withNats } from '../support/nats-server.ts';
import { RawLink } from './support/raw-link.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const SUBJECT = 'iolite.shop.link.victim';
const { ONE_WAY, REQUEST, RESPONSE, STREAM, PIECE, END } = MessageKind;
const STREAMED = 3;
const piece = Buffer.alloc(64 * KIB);

/** What a peer does, and what it is cut off for. */
const ATTACKS: readonly [string, (raw: RawLink) => void, string][] = [
  ['a number that is missing', raw => raw.send(Buffer.alloc(0), 7), 'ERR_IOLITE_PEER'],
  ['a number that came before', raw => raw.send(Buffer.alloc(0), 0), 'ERR_IOLITE_PEER'],
  [
    'more pieces than there is credit for',
    raw => {
      raw.message({ kind: STREAM, correlation: 1 });
      for (let n = 0; n < 17; n++) raw.message({ kind: PIECE, correlation: 1, body: piece }).send();
    },
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a piece of no stream',
    raw => raw.message({ kind: PIECE, correlation: 9, body: piece }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  ['an end of no stream', raw => raw.message({ kind: END, correlation: 9 }).send(), 'ERR_IOLITE_PROTOCOL'],
  [
    'a stream that is opened twice',
    raw => raw.message({ kind: STREAM, correlation: 1 }).message({ kind: STREAM, correlation: 1 }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a body that is a stream that is open',
    raw =>
      raw
        .message({ kind: STREAM, correlation: 1 })
        .message({ kind: ONE_WAY, flags: STREAMED, stream: 1, bodyLength: 5 })
        .send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a body that is longer than it said',
    raw =>
      raw
        .message({ kind: ONE_WAY, flags: STREAMED, stream: 1, bodyLength: 5 })
        .message({ kind: PIECE, correlation: 1, body: Buffer.alloc(6) })
        .send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a body that is shorter than it said',
    raw =>
      raw
        .message({ kind: ONE_WAY, flags: STREAMED, stream: 1, bodyLength: 5 })
        .message({ kind: PIECE, correlation: 1, body: Buffer.alloc(4) })
        .message({ kind: END, correlation: 1 })
        .send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a length that is not that of the body',
    raw => raw.message({ kind: ONE_WAY, body: piece, bodyLength: 5 }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a body that is too long for its message',
    raw => raw.message({ kind: ONE_WAY, body: Buffer.alloc(256 * KIB + 1) }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a body that is longer than any may be',
    raw => raw.message({ kind: REQUEST, flags: STREAMED, stream: 1, bodyLength: 2 ** 50 }).send(),
    'ERR_IOLITE_LIMIT',
  ],
  [
    'a length without a body',
    raw => raw.message({ kind: ONE_WAY, flags: 0, bodyLength: 9 }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  ['a message of no kind', raw => raw.message({ kind: 99 }).send(), 'ERR_IOLITE_PROTOCOL'],
  ['a head that is no JSON', raw => raw.message({ kind: ONE_WAY, head: '{' }).send(), 'ERR_IOLITE_PROTOCOL'],
  [
    'an answer that nobody asked for',
    raw => raw.message({ kind: RESPONSE, correlation: 5 }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a long answer that nobody asked for',
    raw => raw.message({ kind: RESPONSE, correlation: 5, flags: STREAMED, stream: 1, bodyLength: 9 }).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'credit for what was never sent',
    raw => raw.frame(FrameType.ACKNOWLEDGE, 3, 3).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  ['a frame of a channel', raw => raw.frame(FrameType.GRANT, 1, 2, 3).send(), 'ERR_IOLITE_PROTOCOL'],
  ['a second greeting', raw => raw.frame(FrameType.HELLO, 1).send(), 'ERR_IOLITE_PROTOCOL'],
  ['a frame without an end', raw => raw.send(Buffer.from('ffffffff04000000', 'hex')), 'ERR_IOLITE_PROTOCOL'],
  [
    'a farewell in the middle of a stream',
    raw => raw.message({ kind: STREAM, correlation: 1 }).frame(FrameType.BYE).send(),
    'ERR_IOLITE_PROTOCOL',
  ],
  [
    'a flood of messages',
    raw => {
      for (let n = 0; n < 33; n++) raw.message({ kind: ONE_WAY, body: Buffer.alloc(10) });
      raw.send();
    },
    'ERR_IOLITE_LIMIT',
  ],
  [
    'a flood of bodies',
    raw => {
      for (let n = 0; n < 30; n++)
        raw.message({ kind: ONE_WAY, flags: STREAMED, stream: n, bodyLength: 4 * MIB });
      raw.send();
    },
    'ERR_IOLITE_LIMIT',
  ],
  [
    'a flood of streams',
    raw => {
      for (let n = 0; n < 9; n++) raw.message({ kind: STREAM, correlation: n });
      raw.send();
    },
    'ERR_IOLITE_LIMIT',
  ],
];

describe('a link to a hostile peer', withNats, () => {
  let machines: Machines;
  let endpoint: LinkEndpoint;
  const pool = createPool({ name: 'hostile' });
  before(async () => {
    machines = await Machines.start(['a']);
    endpoint = await machines.first.listen('victim', { pool, maxMessages: 32, maxStreams: 8 });
  });
  after(async () => {
    await machines[Symbol.asyncDispose]();
    pool.close();
  });

  async function opened(): Promise<{ raw: RawLink; link: Link }> {
    const channel = once(endpoint, 'channel');
    const raw = await RawLink.open(machines.server.url, SUBJECT);
    const [link] = await watchdog(channel, 'a link');
    return { raw, link };
  }

  function isEmpty(): void {
    pool.trim();
    assert.equal(pool.stats().bytesMapped, 0, 'nothing of it is kept');
  }

  for (const [what, attack, code] of ATTACKS) {
    test(`ends by ${what}`, async () => {
      const { raw, link } = await opened();
      await using _ = raw;
      const closed = once(link, 'close');
      attack(raw);
      const [error] = await watchdog(closed, 'the end of the link');
      assert.equal(error.code, code, error.message);
      if (code !== 'ERR_IOLITE_PEER') await raw.until(FrameType.CUT);
      for (;;) {
        const { value } = await link[Symbol.asyncIterator]()
          .next()
          .catch(() => ({ value: undefined }));
        if (value === undefined) break;
        value.body?.release();
      }
      isEmpty();
    });
  }

  test('ends by a lie about what it has read of a stream', async () => {
    const { raw, link } = await opened();
    await using _ = raw;
    const sending = link.sendStream([Buffer.alloc(10)]);
    await raw.until(FrameType.MESSAGE);
    raw.frame(FrameType.CREDIT, 1, 1000).send();
    await assert.rejects(sending, { code: 'ERR_IOLITE_PROTOCOL' });
    assert.ok(link.closed);
  });

  test('sends no more than the peer gives credit for', async () => {
    const { raw, link } = await opened();
    await using _ = raw;
    let given = 0;
    const failed = assert.rejects(
      link.sendStream(
        (async function* source(): AsyncGenerator<Buffer> {
          for (; ; given++) yield piece;
        })(),
      ),
      { code: 'ERR_IOLITE_PEER' },
    );
    const requests = Array.from({ length: 100 }, () =>
      link.request({ body: piece }).catch(error => error.code),
    );
    await raw.until(FrameType.MESSAGE);
    // It has had time for more.
    for (let n = 0; n < 50; n++) await raw.publish('iolite.shop.link.nobody', Buffer.alloc(0));
    assert.ok(given <= 18, `${given} pieces were taken from the source`);
    link.destroy(Object.assign(new Error('over'), { code: 'ERR_IOLITE_PEER' }));
    await failed;
    assert.deepEqual([...new Set(await Promise.all(requests))], ['ERR_IOLITE_PEER']);
  });

  test('survives noise', async () => {
    const { raw, link } = await opened();
    await using _ = raw;
    for (let n = 0; n < 200; n++) {
      const noisy = await raw.publish(SUBJECT, randomBytes(n), `_INBOX.noise${n}.0`);
      assert.equal(noisy, undefined);
    }
    for (const reply of [undefined, '', 'nodots', '$JS.API.STREAM.LIST.0', 'iolite.shop.inv.0', '_INBOX.x.y'])
      await raw.publish(SUBJECT, Buffer.alloc(0), reply);
    assert.equal(endpoint.links, 1);
    await raw.message({ kind: ONE_WAY, head: '"here"' }).send().publish(SUBJECT, Buffer.alloc(0));
    const { value } = await watchdog(link[Symbol.asyncIterator]().next(), 'a message');
    assert.equal(value?.head, 'here');
    link.destroy();
    isEmpty();
  });

  test('ends by noise in its frames, and nothing else does', async () => {
    for (let n = 0; n < 20; n++) {
      const { raw, link } = await opened();
      await using _ = raw;
      const closed = once(link, 'close');
      const { buffer, at } = raw.writer.frame(1 + (n % 15), n % 4, 100);
      randomBytes(100).copy(buffer, at);
      raw.send();
      for (let i = 0; i < 40; i++) raw.send(randomBytes(50));
      const [error] = await watchdog(closed, 'the end of the link');
      assert.match(error.code, /ERR_IOLITE_(PROTOCOL|LIMIT|PEER)/);
    }
    isEmpty();
    assert.equal(endpoint.links, 0);
  });
});
