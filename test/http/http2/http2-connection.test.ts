import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import type { Handler, Recipient, ServerRequest } from '../../../src/http/message/exchange.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Http2Server } from './support/lane-server.ts';
import {
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  get,
  KIND,
  POST,
  RawHttp2,
  settings,
} from './support/raw-http2.ts';

const INITIAL_WINDOW = 4;

/** Takes requests and leaves them to the test. */
function leaving(taken: (request: ServerRequest, recipient: Recipient) => void): Handler {
  return {
    answer: (request, recipient) => {
      taken(request, recipient);
      return { giveUp: () => {} };
    },
  };
}

const post = (stream: number): Buffer => frame(KIND.headers, END_HEADERS, stream, POST);
const isDataOf =
  (stream: number) =>
  ({ kind, stream: of }: Frame): boolean =>
    kind === KIND.data && of === stream;

test('a body that ends while the window of its stream is below zero ends in order', async () => {
  let finish = (): void => {};
  const finished = new Promise<void>(resolve => {
    finish = resolve;
  });
  async function* body(): AsyncGenerator<Aggregate> {
    yield Aggregate.adopt(Buffer.alloc(1000));
    await finished;
  }
  const handler: Handler = {
    answer: (_request, recipient) => {
      recipient.answered({ status: 200, headers: [], body: body() });
      return undefined;
    },
  };
  await using server = await Http2Server.start(handler);
  using client = await RawHttp2.open(server.port);
  client.send(get(1));
  const first = await client.next(isDataOf(1), 'the first piece');
  assert.equal(first?.bytes.length, 1000);
  client.send(settings([INITIAL_WINDOW, 0]));
  assert.ok(await client.settle());
  finish();
  const last = await client.next(isDataOf(1), 'the end of the body');
  assert.equal(last?.bytes.length, 0);
  assert.equal(last?.flags, END_STREAM);
});

test('what came of bodies that nobody reads is given back with the answer', async () => {
  const handler: Handler = {
    answer: (_request, recipient) => {
      void turn().then(() => recipient.answered({ status: 405, headers: [], body: undefined }));
      return { giveUp: () => {} };
    },
  };
  await using server = await Http2Server.start(handler);
  using client = await RawHttp2.open(server.port);
  for (let stream = 1; stream < 600; stream += 2) {
    client.send(post(stream), frame(KIND.data, END_STREAM, stream, Buffer.alloc(16_000)));
    await client.next(({ kind, stream: of }) => kind === KIND.headers && of === stream, 'an answer');
  }
  assert.ok(await client.settle());
  // The pool keeps what it is filling.
  assert.ok(server.pool.stats().bytesLive <= 2 * 1024 ** 2);
});

test('who is answered before all has come may end well, wrongly, or not at all', async () => {
  const handler: Handler = {
    answer: (_request, recipient) => {
      recipient.answered({ status: 405, headers: [], body: undefined });
      return undefined;
    },
  };
  await using server = await Http2Server.start(handler);
  using client = await RawHttp2.open(server.port);
  const answered = async (stream: number): Promise<void> => {
    client.send(post(stream));
    await client.next(({ kind, stream: of }) => kind === KIND.headers && of === stream, 'an answer');
  };
  const reason = async (stream: number): Promise<number | undefined> =>
    (
      await client.next(({ kind, stream: of }) => kind === KIND.reset && of === stream, 'a reset')
    )?.bytes.readUInt32BE();
  const trailers = (stream: number, block: readonly number[]): Buffer =>
    frame(KIND.headers, END_HEADERS | END_STREAM, stream, Buffer.from(block));
  // `a: b`, and `:method: GET`.
  const [field, pseudoField] = [[0, 1, 0x61, 1, 0x62], [0x82]];
  for (const stream of [1, 3, 5, 7, 9, 11]) await answered(stream);
  for (let bytes = 0; bytes < 40_000; bytes += 10_000)
    client.send(frame(KIND.data, 0, 1, Buffer.alloc(10_000)));
  client.send(frame(KIND.data, 0, 3, Buffer.alloc(100)), trailers(3, pseudoField));
  client.send(trailers(5, field));
  client.send(frame(KIND.data, END_STREAM, 7, Buffer.alloc(100)));
  // What is sent already is not sent again.
  client.send(frame(KIND.windowUpdate, 0, 9, Buffer.from([0, 0, 1, 0])));
  assert.deepEqual([await reason(1), await reason(3)], [0, 1]);
  const before = client.frames.length;
  assert.ok(await client.settle());
  assert.ok(client.frames.slice(before).every(({ stream }) => stream !== 5 && stream !== 7 && stream !== 9));
  // Who says no more is told that it need not.
  assert.deepEqual([await reason(9), await reason(11)], [0, 0]);
});

test('a lane comes to its end with a client that asks on and on', async () => {
  await using server = await Http2Server.start({
    answer: (_request, recipient) => {
      void turn().then(() => recipient.answered({ status: 200, headers: [], body: undefined }));
      return { giveUp: () => {} };
    },
  });
  using client = await RawHttp2.open(server.port);
  assert.ok(await client.settle());
  const closed = server.lane.close();
  let stream = 1;
  const timer = setInterval(() => {
    client.send(get(stream));
    stream += 2;
  }, 20);
  try {
    await watchdog(closed, 'the end of the lane');
  } finally {
    clearInterval(timer);
  }
});

test('hints to many requests that come at once all arrive', async () => {
  const links = Array.from({ length: 40 }, (_, index) => `</${'a'.repeat(100)}${index}.css>; rel=preload`);
  const recipients: Recipient[] = [];
  const failures: unknown[] = [];
  const handler = leaving((request, recipient) => {
    request.earlyHints?.(links);
    recipients.push(recipient);
  });
  await using server = await Http2Server.start(handler, { failed: error => failures.push(error) });
  using client = await RawHttp2.open(server.port);
  const ids = Array.from({ length: 100 }, (_, index) => 2 * index + 1);
  client.send(...ids.map(id => get(id)));
  for (const id of ids)
    await client.next(({ kind, stream }) => kind === KIND.headers && stream === id, `hints to ${id}`);
  assert.equal(failures.length, 0);
  assert.ok(await client.settle());
});

test('bodies that come in pieces of a byte take little memory while nobody reads them', async () => {
  await using server = await Http2Server.start(leaving(() => {}));
  using client = await RawHttp2.open(server.port);
  const bytes = Buffer.concat(Array.from({ length: 60_000 }, () => frame(KIND.data, 0, 1, 'a')));
  client.send(post(1), bytes);
  assert.ok(await client.settle());
  assert.ok(server.pool.stats().allocated < 100);
});
