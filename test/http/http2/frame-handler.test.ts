import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import type { FrameHandler } from '../../../src/http/http2/frame-handler.ts';
import type { Handler } from '../../../src/http/message/exchange.ts';
import { Http2Server } from './support/lane-server.ts';
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  get,
  KIND,
  PADDED,
  POST,
  RawHttp2,
  settings,
  uint32,
  WITH_PRIORITY,
} from './support/raw-http2.ts';

export type Tested = FrameHandler;

const OPEN = 'answers';
/** Reasons of RFC 9113, 7. */
const PROTOCOL = 1;
const FLOW = 3;
const CLOSED = 5;
const SIZE = 6;
const COMPRESSION = 9;
type Outcome = typeof OPEN | { readonly reset?: number; readonly goaway?: number };

/** What is sent behind the preface and settings, and what may come of it: there is often a choice. */
interface Case {
  readonly send: readonly Buffer[];
  readonly outcomes: readonly Outcome[];
}

const connection = (reason: number): Outcome => ({ goaway: reason });
const stream = (reason: number): Outcome => ({ reset: reason });
const either = (reason: number): Outcome[] => [connection(reason), stream(reason)];
const answered = (...send: Buffer[]): Case => ({ send, outcomes: [OPEN] });
const breaks = (reason: number, ...send: Buffer[]): Case => ({ send, outcomes: [connection(reason)] });
const breaksStream = (reason: number, ...send: Buffer[]): Case => ({ send, outcomes: either(reason) });
const head = (flags: number, bytes: Buffer = GET, id = 1): Buffer => frame(KIND.headers, flags, id, bytes);
const post = (id = 1): Buffer => head(END_HEADERS, POST, id);
const data = (flags: number, bytes = 'x', id = 1): Buffer => frame(KIND.data, flags, id, bytes);
const fields = (...list: [string, string][]): Buffer =>
  get(
    1,
    block(
      ...[[':method', 'GET'] as const, [':scheme', 'http'] as const, [':path', '/'] as const],
      ...[[':authority', 'a'] as const, ...list],
    ),
  );
const only = (...list: [string, string][]): Buffer => get(1, block(...list));
const malformed = (sent: Buffer): Case => breaksStream(PROTOCOL, sent);
const padded = (length: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.of(length), bytes]);
const half = GET.subarray(0, 9);
const rest = GET.subarray(9);

const CASES: Readonly<Record<string, Case>> = {
  'a GET': answered(get(1)),
  'a POST with a body in several frames': answered(post(), data(0), data(0), data(END_STREAM)),
  'a POST with trailers': answered(post(), data(0), head(END_HEADERS | END_STREAM, block(['a', 'b']))),
  'a head in several frames': answered(
    head(END_STREAM, half),
    frame(KIND.continuation, END_HEADERS, 1, rest),
  ),
  'a head with padding': answered(
    head(END_STREAM | END_HEADERS | PADDED, padded(3, Buffer.concat([GET, Buffer.alloc(3)]))),
  ),
  'a head with priority': answered(
    head(END_STREAM | END_HEADERS | WITH_PRIORITY, Buffer.concat([uint32(0x8000_0003), Buffer.of(9), GET])),
  ),
  'data with padding': answered(
    post(),
    frame(KIND.data, END_STREAM | PADDED, 1, padded(2, Buffer.from('ab\0\0'))),
  ),
  'a frame of the longest': answered(post(), data(END_STREAM, 'x'.repeat(16_384))),
  'an unknown frame': answered(frame(0x77, 0xff, 0, 'what'), get(1)),
  'unknown flags': answered(frame(KIND.ping, 0x16, 0, '12345678'), get(1)),
  'the reserved bit': answered(frame(KIND.ping, 0, 0x8000_0000, '12345678'), get(1)),
  'an unknown setting': answered(settings([0xff, 1]), get(1)),
  'settings twice': answered(settings([4, 100]), settings([4, 200], [4, 65_535]), get(1)),
  'a smaller table of fields': answered(settings([1, 0]), get(1)),
  'the answer to a ping that was not sent': answered(frame(KIND.ping, ACK, 0, '12345678'), get(1)),
  'priority of an idle stream, and a lower stream': answered(
    frame(KIND.priority, 0, 101, Buffer.concat([uint32(0), Buffer.of(1)])),
    get(1),
  ),
  'an unknown reason of a reset': answered(post(3), frame(KIND.reset, 0, 3, uint32(0xff)), get(5)),
  'window updates': answered(frame(KIND.windowUpdate, 0, 0, uint32(5)), get(1)),
  'a table that is resized twice': answered(get(1, Buffer.concat([Buffer.of(0x20, 0x3f, 0x81, 0x1f), GET]))),
  'never indexed': answered(get(1, Buffer.concat([GET, Buffer.from('\x10\x01a\x01b', 'latin1')]))),
  'indexed by an increment': answered(
    get(1, Buffer.concat([GET, Buffer.from('\x40\x01a\x01b\xbe', 'latin1')])),
  ),

  'data of stream 0': breaks(PROTOCOL, data(0, 'x', 0)),
  'data of an idle stream': breaks(PROTOCOL, data(END_STREAM)),
  'a reset of an idle stream': breaks(PROTOCOL, frame(KIND.reset, 0, 1, uint32(8))),
  'a window update of an idle stream': breaks(PROTOCOL, frame(KIND.windowUpdate, 0, 1, uint32(8))),
  'a continuation of an idle stream': breaks(PROTOCOL, frame(KIND.continuation, END_HEADERS, 1, GET)),
  'a continuation behind a whole head': breaks(
    PROTOCOL,
    post(),
    frame(KIND.continuation, END_HEADERS, 1, GET),
  ),
  'a continuation of another stream': breaks(
    PROTOCOL,
    head(END_STREAM, half),
    frame(KIND.continuation, END_HEADERS, 3, rest),
  ),
  'a frame within a head': breaks(
    PROTOCOL,
    head(END_STREAM, half),
    frame(KIND.priority, 0, 1, 'abcde'),
    frame(KIND.continuation, END_HEADERS, 1, rest),
  ),
  'an unknown frame within a head': breaks(PROTOCOL, head(END_STREAM, half), frame(0x77, 0, 1)),
  'data within a head': breaks(PROTOCOL, head(0, half), data(END_STREAM)),
  'another head within a head': breaks(PROTOCOL, head(END_STREAM, half), get(3)),
  'a head of stream 0': breaks(PROTOCOL, head(END_HEADERS | END_STREAM, GET, 0)),
  'a head of an even stream': breaks(PROTOCOL, get(2)),
  'data behind the end': breaksStream(CLOSED, post(), data(END_STREAM), data(END_STREAM)),
  'a head behind the end': { send: [get(1), get(1)], outcomes: [connection(CLOSED), stream(CLOSED)] },
  'a lower stream': {
    send: [get(5), get(3)],
    outcomes: [connection(PROTOCOL), connection(CLOSED)],
  },
  'data behind a reset': breaksStream(CLOSED, post(), frame(KIND.reset, 0, 1, uint32(8)), data(END_STREAM)),
  'a head behind a reset': breaksStream(CLOSED, post(), frame(KIND.reset, 0, 1, uint32(8)), get(1)),
  'a second head that does not end': breaksStream(PROTOCOL, post(), head(END_HEADERS, block(['a', 'b']))),
  'too long a frame': {
    send: [post(), data(END_STREAM, 'x'.repeat(16_385))],
    outcomes: either(SIZE),
  },
  'too long a head': breaks(SIZE, head(END_HEADERS | END_STREAM, Buffer.alloc(16_385))),
  'too much padding of data': breaks(
    PROTOCOL,
    post(),
    frame(KIND.data, END_STREAM | PADDED, 1, padded(9, Buffer.from('ab'))),
  ),
  'too much padding of a head': breaks(PROTOCOL, head(END_STREAM | END_HEADERS | PADDED, padded(255, GET))),
  'no length of padding': breaks(SIZE, post(), frame(KIND.data, END_STREAM | PADDED, 1)),
  'a stream that depends on itself': breaksStream(
    PROTOCOL,
    head(END_STREAM | END_HEADERS | WITH_PRIORITY, Buffer.concat([uint32(1), Buffer.of(9), GET])),
  ),
  'priority of itself': breaksStream(
    PROTOCOL,
    frame(KIND.priority, 0, 1, Buffer.concat([uint32(1), Buffer.of(1)])),
  ),
  'priority of stream 0': breaks(PROTOCOL, frame(KIND.priority, 0, 0, 'abcde')),
  'priority of a wrong length': breaksStream(SIZE, frame(KIND.priority, 0, 1, 'abcd')),
  'a reset of stream 0': breaks(PROTOCOL, frame(KIND.reset, 0, 0, uint32(8))),
  'a reset of a wrong length': breaks(SIZE, post(), frame(KIND.reset, 0, 1, 'abc')),
  'settings of a stream': breaks(PROTOCOL, frame(KIND.settings, 0, 1)),
  'settings of a wrong length': breaks(SIZE, frame(KIND.settings, 0, 0, 'abc')),
  'acknowledged settings with a payload': breaks(SIZE, frame(KIND.settings, ACK, 0, 'abcdef')),
  'push that is neither on nor off': breaks(PROTOCOL, settings([2, 2])),
  'too large a window': breaks(FLOW, settings([4, 2 ** 31])),
  'too small frames': breaks(PROTOCOL, settings([5, 16_383])),
  'too large frames': breaks(PROTOCOL, settings([5, 2 ** 24])),
  'a ping of a stream': breaks(PROTOCOL, frame(KIND.ping, 0, 1, '12345678')),
  'a ping of a wrong length': breaks(SIZE, frame(KIND.ping, 0, 0, '1234')),
  'goaway of a stream': breaks(PROTOCOL, frame(KIND.goaway, 0, 1, uint32(0, 0))),
  'goaway of a wrong length': breaks(SIZE, frame(KIND.goaway, 0, 0, 'abc')),
  'a window update of 0': breaks(PROTOCOL, frame(KIND.windowUpdate, 0, 0, uint32(0))),
  'a window update of 0 of a stream': breaksStream(
    PROTOCOL,
    post(),
    frame(KIND.windowUpdate, 0, 1, uint32(0)),
  ),
  'a window update of a wrong length': breaks(SIZE, frame(KIND.windowUpdate, 0, 0, 'abc')),
  'a window beyond its bound': breaks(
    FLOW,
    frame(KIND.windowUpdate, 0, 0, uint32(2 ** 31 - 1)),
    frame(KIND.windowUpdate, 0, 0, uint32(2 ** 31 - 1)),
  ),
  'a window of a stream beyond its bound': breaksStream(
    FLOW,
    post(),
    frame(KIND.windowUpdate, 0, 1, uint32(2 ** 31 - 1)),
  ),
  'settings that grow a window beyond its bound': breaks(
    FLOW,
    post(),
    frame(KIND.windowUpdate, 0, 1, uint32(2 ** 31 - 1 - 65_535)),
    settings([4, 65_536]),
  ),
  'a promise': breaks(PROTOCOL, post(), frame(KIND.push, END_HEADERS, 1, Buffer.concat([uint32(2), GET]))),

  'index 0': breaks(COMPRESSION, get(1, Buffer.of(0x80))),
  'an index beyond the table': breaks(COMPRESSION, get(1, Buffer.of(0xbe))),
  'the name of an index beyond the table': breaks(COMPRESSION, get(1, Buffer.of(0x7f, 0x00, 0x00))),
  'too large a table': breaks(COMPRESSION, get(1, Buffer.concat([Buffer.of(0x3f, 0xe2, 0x1f), GET]))),
  'a table resized behind a field': breaks(COMPRESSION, get(1, Buffer.concat([GET, Buffer.of(0x20)]))),
  'a string beyond the block': breaks(COMPRESSION, get(1, Buffer.of(0x00, 0x05, 0x61))),
  'an integer without an end': breaks(COMPRESSION, get(1, Buffer.alloc(20, 0xff))),
  'eight bits of padding': breaks(COMPRESSION, get(1, Buffer.of(0x00, 0x82, 0x1f, 0xff, 0x00))),
  'padding by zeros': breaks(COMPRESSION, get(1, Buffer.of(0x00, 0x81, 0x18, 0x00))),
  'the end of a string in it': breaks(
    COMPRESSION,
    get(1, Buffer.of(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00)),
  ),

  'an unknown pseudo-field': malformed(fields([':test', 'ok'])),
  'a pseudo-field of answers': malformed(fields([':status', '200'])),
  'a pseudo-field of another protocol': malformed(fields([':protocol', 'websocket'])),
  'a pseudo-field in trailers': breaksStream(
    PROTOCOL,
    post(),
    head(END_HEADERS | END_STREAM, block([':method', 'GET'])),
  ),
  'a pseudo-field behind a field': malformed(
    only([':method', 'GET'], [':scheme', 'http'], ['a', 'b'], [':path', '/'], [':authority', 'a']),
  ),
  Connection: malformed(fields(['connection', 'keep-alive'])),
  'Transfer-Encoding': malformed(fields(['transfer-encoding', 'chunked'])),
  Upgrade: malformed(fields(['upgrade', 'h2c'])),
  'another TE': malformed(fields(['te', 'trailers, deflate'])),
  'an empty path': malformed(
    only([':method', 'GET'], [':scheme', 'http'], [':path', ''], [':authority', 'a']),
  ),
  'no path': malformed(only([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'])),
  'no method': malformed(only([':scheme', 'http'], [':path', '/'], [':authority', 'a'])),
  'no scheme': malformed(only([':method', 'GET'], [':path', '/'], [':authority', 'a'])),
  'no authority, nor Host': malformed(only([':method', 'GET'], [':scheme', 'http'], [':path', '/'])),
  'two methods': malformed(fields([':method', 'GET'])),
  'two schemes': malformed(fields([':scheme', 'http'])),
  'two paths': malformed(fields([':path', '/'])),
  'a name in upper case': malformed(fields(['X-Test', 'ok'])),
  'an empty name': malformed(fields(['', 'ok'])),
  'a name with a space': malformed(fields(['a b', 'ok'])),
  'a value with a line end': malformed(fields(['a', 'b\r\nc: d'])),
  'a value with a zero': malformed(fields(['a', 'b\0'])),
  'a value with a space before it': malformed(fields(['a', ' b'])),
  'two lengths': malformed(fields(['content-length', '0'], ['content-length', '0'])),
  'a length that is none': malformed(fields(['content-length', '+1'])),
  'a length without a body': malformed(fields(['content-length', '1'])),
  'a body that is shorter than its length': breaksStream(
    PROTOCOL,
    head(END_HEADERS, Buffer.concat([POST, block(['content-length', '3'])])),
    data(END_STREAM, 'ab'),
  ),
  'a body that is longer than its length': breaksStream(
    PROTOCOL,
    head(END_HEADERS, Buffer.concat([POST, block(['content-length', '1'])])),
    data(0, 'a'),
    data(END_STREAM, 'b'),
  ),
  'CONNECT with a path': malformed(
    only([':method', 'CONNECT'], [':scheme', 'http'], [':path', '/'], [':authority', 'a:1']),
  ),
};

/** Which the standard has as harmless (RFC 9113, 6.7). */
const REFUSED_BY_NODE = new Set(['the answer to a ping that was not sent']);

/** Answers when the request is complete. */
const reading: Handler = {
  answer(request, recipient) {
    const read = async (): Promise<void> => {
      for await (const piece of request.body ?? []) piece.release();
    };
    const answer = { status: 200, headers: [], body: Aggregate.adopt(Buffer.from('ok')) };
    read().then(
      () => recipient.answered(answer),
      error => recipient.failed(error),
    );
    return { giveUp: () => {} };
  },
};

async function outcomeOf(port: number, { send }: Case): Promise<Outcome | 'closed'> {
  using client = await RawHttp2.open(port);
  client.send(...send);
  const found = await client.next(
    ({ kind, flags, stream: id }) =>
      kind === KIND.goaway || kind === KIND.reset || (id > 0 && (flags & END_STREAM) !== 0 && kind < 2),
    'an outcome',
  );
  if (found === undefined) return 'closed';
  if (found.kind === KIND.goaway) return { goaway: found.bytes.readUInt32BE(4) };
  if (found.kind === KIND.reset) return { reset: found.bytes.readUInt32BE(0) };
  // What is wrong behind an answered request comes later.
  if (!(await client.settle())) {
    const goaway = client.frames.find(({ kind }) => kind === KIND.goaway);
    return goaway === undefined ? 'closed' : { goaway: goaway.bytes.readUInt32BE(4) };
  }
  const reset = client.frames.find(({ kind }) => kind === KIND.reset);
  return reset === undefined ? OPEN : { reset: reset.bytes.readUInt32BE(0) };
}

test('each breach of the protocol ends the stream or the connection, as the standard has it', async () => {
  await using server = await Http2Server.start(reading);
  for (const [name, each] of Object.entries(CASES)) {
    const outcome = await outcomeOf(server.port, each);
    const isExpected = each.outcomes.some(one => JSON.stringify(one) === JSON.stringify(outcome));
    const expected = JSON.stringify(each.outcomes);
    assert.ok(isExpected, `${name}: ${JSON.stringify(outcome)}, and not one of ${expected}`);
  }
});

test('what is answered here is answered by node:http2', async () => {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('ok'));
  });
  server.on('sessionError', () => {});
  server.on('session', session => session.on('error', () => {}));
  await new Promise<void>(listening => {
    server.listen(0, '127.0.0.1', listening);
  });
  after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const [name, each] of Object.entries(CASES)) {
    if (each.outcomes.includes(OPEN) && !REFUSED_BY_NODE.has(name))
      assert.equal(await outcomeOf(port, each), OPEN, name);
  }
});
