import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import type { MessageToSend } from '../../src/ipc/message-content.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { watchdog } from '../support/watchdog.ts';

const BODIES: [MessageToSend['body'], string][] = [
  ['a string, with ü', 'a string, with ü'],
  ['', ''],
  [Buffer.from('a Buffer'), 'a Buffer'],
  [new Uint16Array([0x6261, 0x6463]), 'abcd'],
  [new DataView(Uint8Array.of(0x61, 0x62, 0x63).buffer, 1), 'bc'],
  [Uint8Array.of(0x41).buffer, 'A'],
  [Buffer.alloc(3 * 1024 ** 2, 'long '), Buffer.alloc(3 * 1024 ** 2, 'long ').toString()],
];

test('a body that is a string or bytes is copied: of messages, requests and answers', async () => {
  using pair = new ChannelPair();
  const { near, far } = pair;
  let answer: MessageToSend['body'];
  far.onRequest(({ body }) => {
    const asked = body?.toString() ?? null;
    body?.release();
    return { head: asked === null ? null : asked.length, body: answer };
  });
  for (const [body, text] of BODIES) {
    answer = body;
    const answered = await watchdog(near.request({ body }), 'the answer');
    assert.deepEqual([answered.head, answered.body?.toString()], [text.length, text]);
    answered.body?.release();
  }
  const messages = near[Symbol.asyncIterator]();
  for (const [body, text] of BODIES) {
    await watchdog(far.send({ head: 1, body }), 'the message to leave');
    const { value } = await watchdog(messages.next(), 'the message');
    assert.equal(value?.body?.toString(), text);
    value?.body?.release();
  }
});

test('what is no bytes is refused by its class, and an answer of that fails the request', async () => {
  using pair = new ChannelPair();
  const { near, far } = pair;
  const wanted = /: an Aggregate, a string or bytes are wanted, a value of type (Blob|Object) was given/;
  const refused = { code: 'ERR_IOLITE_ARGUMENT', message: wanted };
  await assert.rejects(near.request({ body: new Blob(['x']) as never }), refused);
  await assert.rejects(near.send({ body: {} as never }), refused);
  far.onRequest(() => ({ body: {} as never }));
  await assert.rejects(watchdog(near.request({}), 'the answer'), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('bytes may change as soon as they were handed in', async () => {
  using pair = new ChannelPair();
  const bytes = Buffer.from('before');
  const messages = pair.far[Symbol.asyncIterator]();
  const sent = pair.near.send({ body: bytes });
  bytes.write('after!');
  await watchdog(sent, 'the message to leave');
  const { value } = await watchdog(messages.next(), 'the message');
  assert.equal(value?.body?.toString(), 'before');
  value?.body?.release();
  using pool = createPool();
  using aggregate = pool.from('an aggregate as before');
  await watchdog(pair.near.send({ body: aggregate }), 'the message to leave');
  const { value: next } = await watchdog(messages.next(), 'the message');
  assert.equal(next?.body?.toString(), 'an aggregate as before');
  next?.body?.release();
});
