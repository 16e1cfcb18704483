import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createPool } from '../../src/aggregate/pool.ts';
import type { Json } from '../../src/base/json.ts';
import { FrameReader, FrameType, MessageKind } from '../../src/ipc/wire/frame.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { HELLO, Hostile, messageFrame } from '../support/hostile.ts';
import { frame } from '../support/raw-peer.ts';
import { hostileTest } from '../support/standstill.ts';
import { watchdog } from '../support/watchdog.ts';

const { ONE_WAY, REQUEST, RESPONSE } = MessageKind;

/** A MiB of JSON that takes twenty times as much in memory. */
const HEAVY = `[${Array(340_000).fill('{}').join(',')}]`;
const heavy: Json = JSON.parse(HEAVY);

hostileTest('a peer whose one-way messages weigh too much, and are not read, is cut off', async () => {
  using hostile = new Hostile({}, 'sleeps');
  hostile.peer.write(HELLO, ...Array(6).fill(messageFrame(ONE_WAY, 0, { head: HEAVY })));
  assert.equal(await hostile.code(), 'ERR_IOLITE_LIMIT');
});

const MANY_SLICES = messageFrame(ONE_WAY, 0, { slices: Array(100_000).fill([1, 1, 4096, 0]) });

hostileTest('so is one whose bodies are of too many slices', async () => {
  using hostile = new Hostile({}, 'sleeps');
  using pool = createPool();
  using body = pool.from('x');
  const chunk = body.slices()[0]?.lease.chunk as unknown as { grant(): number; size: number; id: string };
  const { grantFrame } = await import('../support/hostile.ts');
  const { closeDescriptor } = await import('../../src/os/descriptor.ts');
  const fd = chunk.grant();
  hostile.pass(1, fd);
  closeDescriptor(fd);
  hostile.peer.write(HELLO, grantFrame(1, chunk.size, chunk.id));
  for (let i = 0; i < 6; i++) hostile.peer.write(MANY_SLICES);
  assert.equal(await hostile.code(), 'ERR_IOLITE_LIMIT');
});

test('an honest sender of such waits until they are read, of messages and of requests', async () => {
  using pair = new ChannelPair();
  pair.far.onRequest(({ head }) => ({ head: (head as Json[]).length }));
  let sent = 0;
  const sending = (async () => {
    for (let i = 0; i < 12; i++) {
      await pair.near.send({ head: heavy });
      sent += 1;
      await pair.near.request({ head: [i] }).then(answer => assert.equal(answer.head, 1));
    }
  })();
  while (sent < 2) await turn();
  for (let i = 0; i < 50; i++) await turn();
  const ahead = sent;
  assert.ok(ahead < 5, `${ahead} messages were sent ahead`);
  let read = 0;
  for await (const { head } of pair.far) {
    assert.equal((head as Json[]).length, 340_000);
    read += 1;
    if (read === 12) break;
  }
  await watchdog(sending, 'the sender');
  const answers = await watchdog(
    Promise.all(Array.from({ length: 8 }, () => pair.near.request({ head: heavy }))),
    'heavy requests',
    60_000,
  );
  for (const { head } of answers) assert.equal(head, 340_000);
});

hostileTest('where nobody answers, requests that weigh much are refused, and a few others wait', async () => {
  using pair = new ChannelPair();
  const refused = (): Promise<void> =>
    assert.rejects(watchdog(pair.near.request({ head: heavy }), 'a refusal'), {
      code: 'ERR_IOLITE_UNSUPPORTED',
    });
  await refused();
  const waiting = pair.near.request({ head: 'early' });
  await refused();
  pair.far.onRequest(({ head }) => ({ head: head ?? null }));
  assert.equal((await watchdog(waiting, 'the early request')).head, 'early');
});

/** A requester that acknowledges what it likes. */
class Requester {
  readonly hostile = new Hostile({}, 'sleeps');
  answered = 0;
  calls = 0;
  readonly #reader = new FrameReader();
  readonly #pool = createPool();

  constructor() {
    this.hostile.channel.onRequest(() => {
      this.calls += 1;
      return { body: this.#pool.from(Buffer.alloc(256 * 1024, 1)) };
    });
    this.hostile.peer.socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes, ({ type, body }) => {
        if (type === FrameType.MESSAGE && body.readUInt32LE(0) === RESPONSE) this.answered += 1;
      });
    });
    this.hostile.peer.write(HELLO);
  }

  request(from: number, to: number): void {
    for (let i = from; i < to; i++) this.hostile.peer.write(messageFrame(REQUEST, i, { head: '1' }));
  }

  /** Takes the descriptors that came, as who reads them does. */
  async settle(wanted: number): Promise<void> {
    const { peekDescriptor, skipDescriptor } = await import('../../src/os/socket.ts');
    const { closeDescriptor } = await import('../../src/os/descriptor.ts');
    const seen = async (): Promise<void> => {
      while (this.answered < wanted) {
        for (;;) {
          const received = peekDescriptor(this.hostile.descriptors);
          if (typeof received !== 'object') break;
          skipDescriptor(this.hostile.descriptors);
          closeDescriptor(received.fd);
        }
        await turn();
      }
    };
    await watchdog(seen(), `${wanted} answers`);
  }

  [Symbol.dispose](): void {
    this.hostile[Symbol.dispose]();
    this.#pool.close();
  }
}

hostileTest('who acknowledges no answer is answered no more, until it does', async () => {
  using requester = new Requester();
  requester.request(1, 601);
  await requester.settle(128);
  for (let i = 0; i < 50; i++) await turn();
  assert.equal(requester.calls, 128);
  // Leased, all of them: then the rest is answered, as far as it may be.
  requester.hostile.peer.write(frame(FrameType.ACKNOWLEDGE, [128, 0]));
  await requester.settle(256);
  for (let i = 0; i < 50; i++) await turn();
  assert.equal(requester.calls, 256);
});

hostileTest('who goes on asking without taking its answers is cut off', async () => {
  using requester = new Requester();
  requester.request(1, 601);
  await requester.settle(128);
  requester.request(601, 2000);
  assert.equal(await requester.hostile.code(), 'ERR_IOLITE_LIMIT');
  assert.equal(requester.calls, 128);
});

hostileTest('to have consumed what was not leased is no acknowledgement', async () => {
  using hostile = new Hostile();
  hostile.peer.write(HELLO);
  await watchdog(hostile.channel.ready(), 'the greeting');
  await hostile.channel.send({ head: 1 });
  await hostile.channel.send({ head: 2 });
  hostile.peer.write(frame(FrameType.ACKNOWLEDGE, [1, 2]));
  assert.equal(await hostile.code(), 'ERR_IOLITE_PROTOCOL');
});
