import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { Http2Lane } from '../../../src/http/http2/http2-lane.ts';
import type { AnswerReport } from '../../../src/http/message/answer-report.ts';
import type { Answer, Handler, ServerRequest } from '../../../src/http/message/exchange.ts';
import { handlerOf } from '../../../src/http/message/promised-answer.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Http2Server } from './support/lane-server.ts';
import {
  block,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  GET,
  get,
  KIND,
  POST,
  RawHttp2,
  settings,
  uint32,
} from './support/raw-http2.ts';

interface Received {
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  readonly body: Buffer;
}

/** What a handler answers by path, at once. */
function answering(answerTo: (request: ServerRequest) => Answer): Handler {
  return {
    answer: (request, recipient) => {
      recipient.answered(answerTo(request));
      return undefined;
    },
  };
}

const text = (body: string, headers: string[] = []): Answer => ({
  status: 200,
  headers,
  body: Aggregate.adopt(Buffer.from(body)),
});

/** One request of node:http2's client. */
async function ask(
  url: string,
  headers: Record<string, string>,
  body?: Buffer,
  onStream: (stream: ReturnType<ReturnType<typeof connect>['request']>) => void = () => {},
): Promise<Received> {
  const session = connect(url);
  try {
    const stream = session.request(headers);
    onStream(stream);
    if (headers.expect === undefined) stream.end(body);
    const parts: Buffer[] = [];
    stream.on('data', part => parts.push(part));
    const ended = once(stream, 'end');
    const [got] = (await watchdog(once(stream, 'response'), 'a response')) as [Received['headers']];
    await watchdog(ended, 'the end of a response');
    return { headers: got, body: Buffer.concat(parts) };
  } finally {
    session.close();
  }
}

/** Something to wait for. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>(resolve => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

async function* piecesOf(count: number, bytes: number): AsyncGenerator<Aggregate> {
  for (let i = 0; i < count; i++) yield Aggregate.adopt(Buffer.alloc(bytes, i));
}

test('Http2Lane answers with small, large and streamed bodies, at once and later', async () => {
  const large = Buffer.alloc(3_000_000, 'large');
  const later = handlerOf(async () => text('later'));
  const handler: Handler = {
    answer: (request, recipient) => {
      if (request.target === '/later') return later.answer(request, recipient);
      if (request.target === '/none') recipient.declined();
      else if (request.target === '/large')
        recipient.answered({ status: 200, headers: [], body: Aggregate.adopt(Buffer.from(large)) });
      else if (request.target === '/stream')
        recipient.answered({ status: 200, headers: [], body: piecesOf(10, 100_000) });
      else if (request.target === '/throws') throw new Error('a bug');
      else recipient.answered(text('small', ['X-Upper', 'Case', 'Connection', 'close']));
      return undefined;
    },
  };
  const failures: unknown[] = [];
  await using server = await Http2Server.start(handler, { failed: error => failures.push(error) });
  const small = await ask(server.url, { ':path': '/' });
  assert.equal(small.body.toString(), 'small');
  assert.equal(small.headers['x-upper'], 'Case');
  assert.equal(small.headers.connection, undefined);
  assert.equal(small.headers['content-length'], '5');
  assert.ok(Date.parse(small.headers.date ?? '') > 0);
  assert.equal((await ask(server.url, { ':path': '/later' })).body.toString(), 'later');
  assert.ok((await ask(server.url, { ':path': '/large' })).body.equals(large));
  assert.equal((await ask(server.url, { ':path': '/stream' })).body.length, 1_000_000);
  assert.equal((await ask(server.url, { ':path': '/none' })).headers[':status'], 404);
  assert.equal((await ask(server.url, { ':path': '/throws' })).headers[':status'], 500);
  assert.equal(failures.length, 1);
});

test('a hundred large answers at a time arrive whole', async () => {
  const large = Buffer.alloc(200_000, 'abc');
  await using server = await Http2Server.start(
    answering(() => ({ status: 200, headers: [], body: Aggregate.adopt(Buffer.from(large)) })),
  );
  const session = connect(server.url);
  const bodies = Array.from({ length: 100 }, async () => {
    const stream = session.request({ ':path': '/' });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return Buffer.concat(parts);
  });
  for (const body of await watchdog(Promise.all(bodies), 'all answers')) assert.ok(body.equals(large));
  session.close();
});

test('HEAD, 204 and 304 have no body', async () => {
  await using server = await Http2Server.start(
    answering(({ target }) => ({ ...text('body'), status: Number(target.slice(1)) })),
  );
  const head = await ask(server.url, { ':path': '/200', ':method': 'HEAD' });
  assert.equal(head.headers['content-length'], '4');
  assert.equal(head.body.length, 0);
  for (const path of ['/204', '/304']) {
    const { headers, body } = await ask(server.url, { ':path': path });
    assert.equal(headers['content-length'], undefined);
    assert.equal(body.length, 0);
  }
});

test('the body of a request is read as it comes, both ways at once', async () => {
  const echo = handlerOf(async ({ body }) => ({ status: 200, headers: [], body }));
  await using server = await Http2Server.start(echo);
  const sent = Buffer.alloc(3_000_000, 'echo');
  const { body } = await ask(server.url, { ':path': '/', ':method': 'POST' }, sent);
  assert.ok(body.equals(sent));
});

test('a body that nobody reads comes no further than its window, and stands in no way', async () => {
  const never = gate();
  const handler = handlerOf(async ({ target, body }) => {
    if (target === '/held') await never.passed;
    let bytes = 0;
    for await (const piece of body ?? []) {
      bytes += piece.length;
      piece.release();
    }
    return text(String(bytes));
  });
  await using server = await Http2Server.start(handler);
  const session = connect(server.url);
  const held = Array.from({ length: 20 }, () => {
    const stream = session.request({ ':path': '/held', ':method': 'POST' });
    stream.on('error', () => {});
    stream.end(Buffer.alloc(200_000));
    return stream;
  });
  const other = session.request({ ':path': '/', ':method': 'POST' });
  other.end(Buffer.alloc(2_000_000));
  const parts: Buffer[] = [];
  for await (const part of other) parts.push(part as Buffer);
  assert.equal(Buffer.concat(parts).toString(), '2000000');
  assert.ok(server.pool.stats().bytesLive < 6 * 1024 ** 2);
  for (const stream of held) stream.close();
  never.open();
  session.destroy();
});

test('a client that waits to be told so is told that its body is wanted', async () => {
  const handler = handlerOf(async ({ body }) => {
    let said = '';
    for await (const piece of body ?? []) {
      said += piece.toString();
      piece.release();
    }
    return text(said);
  });
  await using server = await Http2Server.start(handler);
  let isTold = false;
  const headers = { ':path': '/', ':method': 'POST', expect: '100-continue' };
  const { body } = await ask(server.url, headers, undefined, stream => {
    stream.on('continue', () => {
      isTold = true;
      stream.end('x');
    });
  });
  assert.ok(isTold);
  assert.equal(body.toString(), 'x');
});

test('hints go ahead of the answer', async () => {
  const handler = handlerOf(async request => {
    request.earlyHints?.(['</a.css>; rel=preload']);
    return text('ok');
  });
  await using server = await Http2Server.start(handler);
  let link: unknown;
  await ask(server.url, { ':path': '/' }, undefined, stream => {
    stream.on('headers', hints => {
      link = hints.link;
    });
  });
  assert.equal(link, '</a.css>; rel=preload');
});

test('cookies are one field; of what there may be one of, the first counts', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await Http2Server.start(
    answering(request => {
      seen.push(request.header('cookie'), request.header('range'), request.header('a'));
      return text('ok');
    }),
  );
  using client = await RawHttp2.open(server.port);
  const fields: [string, string][] = [
    ...([':method', ':scheme', ':path', ':authority'].map((name, index) => [
      name,
      ['GET', 'http', '/', 'a'][index],
    ]) as [string, string][]),
    ...([
      ['cookie', 'a=b'],
      ['cookie', 'c=d'],
      ['range', 'bytes=0-1'],
    ] as [string, string][]),
    ...([
      ['range', 'bytes=1-2'],
      ['a', '1'],
      ['a', '2'],
    ] as [string, string][]),
  ];
  client.send(get(1, block(...fields)));
  await client.next(({ kind }) => kind === KIND.data, 'the answer');
  assert.deepEqual(seen, ['a=b; c=d', 'bytes=0-1', '1, 2']);
});

test('two hosts are 400, CONNECT is 405, and a head beyond its bound is 431', async () => {
  await using server = await Http2Server.start(
    answering(() => text('ok')),
    { maxHeaderSize: 2048 },
  );
  const status = async (headers: Record<string, string>): Promise<number | undefined> =>
    (await ask(server.url, headers)).headers[':status'];
  assert.equal(await status({ ':path': '/' }), 200);
  assert.equal(await status({ ':path': '/', ':authority': 'a', host: 'b' }), 400);
  assert.equal(await status({ ':path': '/', a: 'x'.repeat(3000) }), 431);
  assert.equal(await status({ ':method': 'CONNECT', ':authority': 'a:1' }), 405);
});

test('every answer is told of, with its bytes', async () => {
  const told: Pick<AnswerReport, 'status' | 'bytes' | 'httpVersion'>[] = [];
  const listener = {
    wantsDuration: true,
    answered: ({ status, bytes, httpVersion, duration }: AnswerReport) => {
      assert.ok(duration >= 0);
      told.push({ status, bytes, httpVersion });
    },
  };
  await using server = await Http2Server.start(
    answering(({ target }) => text(target === '/' ? 'ok' : 'x'.repeat(200_000))),
    { listener },
  );
  await ask(server.url, { ':path': '/' });
  await ask(server.url, { ':path': '/large' });
  assert.deepEqual(told, [
    { status: 200, bytes: 2, httpVersion: '2.0' },
    { status: 200, bytes: 200_000, httpVersion: '2.0' },
  ]);
});

test('answers that may be repeated are, until they may not', async () => {
  const pool = createPool({ name: 'repeated' });
  let asked = 0;
  let isRight = true;
  const body = pool.from('again and again');
  const handler: Handler = {
    letsRepeat: true,
    answer: (_, recipient) => {
      asked += 1;
      recipient.answered(
        { status: 200, headers: ['Content-Length', String(body.length)], body: body.duplicate() },
        { mayRepeat: () => isRight, slice: body.slices()[0] },
      );
      return undefined;
    },
  };
  await using server = await Http2Server.start(handler);
  using client = await RawHttp2.open(server.port);
  for (let stream = 1; stream < 21; stream += 2) {
    client.send(get(stream));
    const { bytes } = (await client.next(({ kind }) => kind === KIND.data, 'an answer')) as Frame;
    assert.equal(bytes.toString(), 'again and again');
  }
  assert.equal(asked, 2);
  isRight = false;
  client.send(get(21));
  await client.next(({ kind }) => kind === KIND.data, 'an answer');
  assert.equal(asked, 3);
  body.release();
  pool.close();
});

test('a client that takes nothing gets no more than heads, and its answers wait by reference', async () => {
  const pool = createPool({ name: 'large' });
  const large = pool.from(Buffer.alloc(1024 ** 2, 'x'));
  await using server = await Http2Server.start(
    answering(() => ({ status: 200, headers: [], body: large.duplicate() })),
  );
  using client = await RawHttp2.open(server.port, settings([4, 0]));
  for (let stream = 1; stream < 400; stream += 2) client.send(get(stream));
  assert.ok(await client.settle());
  assert.equal(client.frames.filter(({ kind }) => kind === KIND.data).length, 0);
  assert.equal(client.frames.filter(({ kind }) => kind === KIND.headers).length, 100);
  // Those beyond a hundred are refused, and may be asked for again.
  const refused = client.frames.filter(({ kind }) => kind === KIND.reset);
  assert.equal(refused.length, 100);
  assert.ok(refused.every(({ bytes }) => bytes.readUInt32BE(0) === 7));
  assert.ok(pool.stats().bytesLive < 3 * 1024 ** 2);
  client.send(frame(KIND.windowUpdate, 0, 1, uint32(10)));
  const { bytes } = (await client.next(({ kind }) => kind === KIND.data, 'the first bytes')) as Frame;
  assert.equal(bytes.length, 10);
  client.socket.destroy();
  large.release();
  pool.close();
});

test('streams are served in turn, the more urgent first', async () => {
  const large = Buffer.alloc(100_000);
  await using server = await Http2Server.start(
    answering(() => ({ status: 200, headers: [], body: Aggregate.adopt(Buffer.from(large)) })),
  );
  using client = await RawHttp2.open(server.port, settings([4, 1_000_000]));
  const urgent = block(
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/u'],
    [':authority', 'a'],
    ['priority', 'u=0'],
  );
  // The window of the connection is used up first, so that all of them wait.
  client.send(get(1));
  await client.settle();
  client.send(get(3), get(5), get(7, urgent));
  await client.settle();
  client.frames.length = 0;
  client.send(frame(KIND.windowUpdate, 0, 0, uint32(1_000_000)));
  const order: number[] = [];
  for (let ended = 0; ended < 4; ) {
    const { stream, flags } = (await client.next(({ kind }) => kind === KIND.data, 'data')) as Frame;
    if (stream !== 1) order.push(stream);
    if ((flags & END_STREAM) !== 0) ended += 1;
  }
  const urgentCount = order.filter(stream => stream === 7).length;
  assert.deepEqual(order.slice(0, urgentCount), Array(urgentCount).fill(7));
  assert.deepEqual(order.slice(urgentCount, urgentCount + 4), [3, 5, 3, 5]);
});

test('a server that closes lets the answers under way end, and takes no more', async () => {
  const held = gate();
  const handler = handlerOf(async ({ target }) => {
    if (target === '/held') await held.passed;
    return text('ok');
  });
  await using server = await Http2Server.start(handler);
  const session = connect(server.url);
  const goaway = once(session, 'goaway');
  const stream = session.request({ ':path': '/held' });
  await once(session, 'remoteSettings');
  const asked = session.request({ ':path': '/' });
  await once(asked.resume(), 'end');
  const closed = server.lane.close();
  await watchdog(goaway, 'the announcement of the end');
  held.open();
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  assert.equal(Buffer.concat(parts).toString(), 'ok');
  await watchdog(closed, 'the end of all connections');
  assert.equal(server.lane.connections, 0);
});

const calm = async (client: RawHttp2): Promise<number | undefined> => {
  const found = await client.next(({ kind }) => kind === KIND.goaway, 'the end of a flood');
  return found?.bytes.readUInt32BE(4);
};

const FLOODS: Readonly<Record<string, (at: number) => Buffer>> = {
  resets: at => Buffer.concat([get(2 * at + 1), frame(KIND.reset, 0, 2 * at + 1, uint32(8))]),
  pings: () => frame(KIND.ping, 0, 0, '12345678'),
  settings: () => settings(),
  'tiny window updates': () => frame(KIND.windowUpdate, 0, 0, uint32(1)),
  priorities: () => frame(KIND.priority, 0, 1001, Buffer.concat([uint32(0), Buffer.of(1)])),
  'unknown frames': () => frame(0x99, 0, 0),
  'malformed requests': at => get(2 * at + 1, block([':method', 'GET'])),
  'empty data': at => (at === 0 ? frame(KIND.headers, END_HEADERS, 1, POST) : frame(KIND.data, 0, 1)),
  continuations: at => (at === 0 ? frame(KIND.headers, 0, 1, GET) : frame(KIND.continuation, 0, 1)),
};

test('floods end the connection that they come on, and no other', async () => {
  const handler = handlerOf(async ({ target }) => {
    if (target === '/other') return text('undisturbed');
    await new Promise(() => {});
    return undefined;
  });
  await using server = await Http2Server.start(handler);
  for (const [name, make] of Object.entries(FLOODS)) {
    using client = await RawHttp2.open(server.port);
    for (let at = 0; at < 6000; at++) client.send(make(at));
    assert.equal(await calm(client), 0xb, name);
    assert.equal((await ask(server.url, { ':path': '/other' })).body.toString(), 'undisturbed');
  }
});

test('what takes too long is ended', async () => {
  const large = Buffer.alloc(100_000);
  const options = { headersTimeout: 1, idleTimeout: 1, sendTimeout: 1, requestTimeout: 1 };
  const handler = handlerOf(async ({ body }) => {
    for await (const piece of body ?? []) piece.release();
    return { status: 200, headers: [], body: Aggregate.adopt(Buffer.from(large)) };
  });
  await using server = await Http2Server.start(handler, options);
  const isGoaway = ({ kind }: Frame): boolean => kind === KIND.goaway;
  using idle = await RawHttp2.open(server.port);
  using stalled = await RawHttp2.open(server.port, settings([4, 0]));
  stalled.send(get(1));
  using slow = await RawHttp2.open(server.port);
  slow.send(frame(KIND.headers, END_HEADERS, 1, POST));
  using within = await RawHttp2.open(server.port);
  within.send(frame(KIND.headers, 0, 1, GET));
  assert.ok(await idle.next(isGoaway, 'the end of an idle connection'));
  const reset = await stalled.next(({ kind }) => kind === KIND.reset, 'the end of a stalled stream');
  assert.equal(reset?.bytes.readUInt32BE(0), 8);
  assert.ok(await slow.next(({ kind }) => kind === KIND.headers, '408'));
  assert.ok(await within.next(isGoaway, 'the end of a head that does not end'));
});

test('Http2Lane refuses options that are none', () => {
  const pool = createPool({ name: 'none' });
  assert.throws(
    () =>
      new Http2Lane(
        answering(() => text('')),
        pool,
        { maxHeaderSize: 1 },
      ),
    {
      code: 'ERR_IOLITE_RANGE',
    },
  );
  pool.close();
});
