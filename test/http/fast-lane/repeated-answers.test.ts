import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Slice } from '../../../src/aggregate/slice.ts';
import { commonLines } from '../../../src/http/fast-lane/answer-head.ts';
import type { FastLaneOptions } from '../../../src/http/fast-lane/fast-lane.ts';
import { RepeatedAnswers } from '../../../src/http/fast-lane/repeated-answers.ts';
import type { Recipient, ServerRequest } from '../../../src/http/message/exchange.ts';
import { type Client, LaneServer, listenerOf, TableHandler } from '../../support/lane-server.ts';
import { someBytes } from '../../support/tcp-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

/** A handler that lets what it answers at once be repeated, as long as it may. */
class Repeater extends TableHandler {
  readonly letsRepeat: boolean;
  readonly asked: string[] = [];
  may = true;
  repeated = 0;
  override readonly repeatable = {
    slice: undefined as Slice | undefined,
    mayRepeat: (): boolean => {
      if (this.may) this.repeated += 1;
      return this.may;
    },
  };

  override file(target: string, bytes: Uint8Array | string): Aggregate {
    const body = super.file(target, bytes);
    [this.repeatable.slice] = body.slices();
    return body;
  }

  constructor(letsRepeat = true) {
    super();
    this.letsRepeat = letsRepeat;
  }

  override answer(request: ServerRequest, recipient: Recipient) {
    this.asked.push(request.target);
    return super.answer(request, recipient);
  }
}

function laneServer(handler: Repeater, options: FastLaneOptions = {}): LaneServer<Repeater> {
  return new LaneServer(options, undefined, handler);
}

async function ask(client: Client, target: string, ...lines: string[]): Promise<string> {
  client.ask(target, ...lines);
  const { status, body } = await client.response();
  return `${status} ${body.toString('latin1')}`;
}

test('what a handler lets be repeated is asked for once, by its bytes, on any connection', async () => {
  const handler = new Repeater();
  await using server = laneServer(handler);
  for (const name of ['a', 'b']) handler.file(`/${name}`, `content of ${name}`);
  for (let turn = 0; turn < 3; turn++) {
    const client = await server.connect();
    for (const name of ['a', 'b', 'b', 'a'])
      assert.equal(await ask(client, `/${name}`), `200 content of ${name}`);
    client.socket.destroy();
  }
  assert.deepEqual(handler.asked, ['/a', '/b']);
  assert.equal(handler.repeated, 10);
  const client = await server.connect();
  assert.equal(await ask(client, '/a', 'Accept: */*'), '200 content of a');
  assert.deepEqual(handler.asked, ['/a', '/b', '/a']);
});

test('it is asked again once it no longer may be repeated', async () => {
  const handler = new Repeater();
  await using server = laneServer(handler);
  const client = await server.connect();
  for (const content of ['first', 'second', 'third']) {
    handler.file('/a', content);
    handler.may = false;
    assert.equal(await ask(client, '/a'), `200 ${content}`);
    handler.may = true;
    assert.equal(await ask(client, '/a'), `200 ${content}`);
    assert.equal(await ask(client, '/a'), `200 ${content}`);
  }
  assert.equal(handler.asked.length, 3);
});

test('a handler that does not let answers be repeated is asked each time', async () => {
  const handler = new Repeater(false);
  await using server = laneServer(handler);
  handler.file('/a', 'content');
  const client = await server.connect();
  for (let times = 0; times < 3; times++) assert.equal(await ask(client, '/a'), '200 content');
  assert.deepEqual([handler.asked.length, handler.repeated], [3, 0]);
});

test('heads, answers without a body and large ones are right, however often they are asked for', async () => {
  const handler = new Repeater();
  await using server = laneServer(handler);
  const large = someBytes(100_000).toString('latin1');
  handler.file('/small', 'small');
  handler.file('/larger', Buffer.from(large.repeat(11), 'latin1'));
  handler.file('/large', Buffer.from(large, 'latin1'));
  handler.now.set('/none', () => ({ status: 304, headers: ['ETag', '"a"'], body: undefined }));
  const date = new Date(0).toUTCString();
  handler.now.set('/dated', () => ({ status: 204, headers: ['Date', date], body: undefined }));
  const client = await server.connect();
  for (let times = 0; times < 3; times++) {
    client.send(['HEAD', '/small']);
    const head = await client.response('HEAD');
    assert.deepEqual([head.status, head.headers['content-length']], [200, '5']);
    assert.equal(await ask(client, '/small'), '200 small');
    assert.equal(await ask(client, '/large'), `200 ${large}`);
    assert.equal(await ask(client, '/larger'), `200 ${large.repeat(11)}`);
    client.ask('/none');
    const none = await client.response();
    assert.deepEqual([none.status, none.headers.etag], [304, '"a"']);
    client.ask('/dated');
    assert.equal((await client.response()).headers.date, date);
  }
  // Larger bodies and dates of others are the handler's each time.
  const counts = new Map<string, number>();
  for (const target of handler.asked) counts.set(target, (counts.get(target) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(counts), {
    '/small': 2,
    '/large': 1,
    '/larger': 3,
    '/none': 1,
    '/dated': 3,
  });
});

test('the last answer of a connection is the last, and pipelined requests get theirs in order', async () => {
  const handler = new Repeater();
  await using server = laneServer(handler);
  handler.file('/a', 'a');
  handler.file('/b', 'b');
  for (const target of ['/a', '/b', '/a']) {
    const client = await server.connect();
    client.ask(target, 'Connection: close');
    const { headers, body } = await client.response();
    assert.deepEqual([headers.connection, body.toString()], ['close', target.slice(1)]);
    await client.end();
  }
  const client = await server.connect();
  for (const target of ['/a', '/b', '/b', '/a'])
    assert.equal(await ask(client, target), `200 ${target.slice(1)}`);
  client.send(['GET', '/a'], ['GET', '/b'], ['GET', '/a']);
  for (const name of ['a', 'b', 'a']) assert.equal((await client.response()).body.toString(), name);
  server.lane.retire();
  client.ask('/a');
  const last = await client.response();
  assert.deepEqual([last.headers.connection, last.body.toString()], ['close', 'a']);
  await client.end();
});

test('a listener is told of each, with the request if it asks for it', async () => {
  const reports: unknown[] = [];
  const listener = listenerOf(
    ({ request, status, bytes, isRepeated = false, httpVersion, remoteAddress }) => {
      const { target } = request;
      reports.push({
        target,
        accept: request.header('accept'),
        status,
        bytes,
        isRepeated,
        httpVersion,
        remoteAddress,
      });
    },
  );
  const handler = new Repeater();
  await using server = laneServer(handler, { listener });
  handler.file('/a', 'content');
  handler.file('/b', 'more content');
  const client = await server.connect();
  const told = { accept: 'text/plain', status: 200, httpVersion: '1.1', remoteAddress: '127.0.0.1' };
  for (const target of ['/a', '/b', '/a', '/b']) await ask(client, target, 'Accept: text/plain');
  assert.deepEqual(reports, [
    { ...told, target: '/a', bytes: 7, isRepeated: false },
    { ...told, target: '/b', bytes: 12, isRepeated: false },
    { ...told, target: '/a', bytes: 7, isRepeated: true },
    { ...told, target: '/b', bytes: 12, isRepeated: true },
  ]);
});

for (const size of [15_000, 100_000, 1_000_000])
  test(`a client that reads late gets all ${size} bytes of what was repeated, in order`, () =>
    readLate(size));

async function readLate(size: number): Promise<void> {
  let reported = 0;
  const wakes: (() => void)[] = [];
  const listener = listenerOf(({ request: { target }, bytes }) => {
    assert.deepEqual([target, bytes], ['/a', content.length]);
    reported += 1;
    for (const wake of wakes.splice(0)) wake();
  });
  const handler = new Repeater();
  await using server = laneServer(handler, { listener });
  const content = someBytes(size);
  handler.file('/a', content);
  const client = await server.connect();
  client.socket.pause();
  client.socket.setNoDelay(true);
  let asked = 0;
  // One after the other, until the kernel takes no more of what is not read.
  while (reported === asked && asked < 4000) {
    client.ask('/a');
    asked += 1;
    while (handler.asked.length + handler.repeated < asked) await setImmediate();
  }
  assert.ok(reported < asked, 'the socket is full');
  handler.may = false;
  client.socket.resume();
  for (let read = 0; read < asked; read++) {
    const { status, body } = await client.response();
    assert.ok(status === 200 && body.equals(content), `answer ${read} of ${asked} is right`);
  }
  while (reported < asked)
    await watchdog(new Promise<void>(resolve => wakes.push(resolve)), 'the last report');
  assert.equal(handler.asked.length, 1);
}

test('what stands for an answer that cannot be sent is not kept', async () => {
  const failures: unknown[] = [];
  const handler = new Repeater();
  await using server = laneServer(handler, { failed: error => failures.push(error) });
  handler.now.set('/bad', () => ({ status: 200, headers: ['X', 'a\nb'], body: undefined }));
  const client = await server.connect();
  for (let times = 0; times < 2; times++) {
    client.send(['HEAD', '/bad']);
    assert.equal((await client.response('HEAD')).status, 500);
  }
  assert.deepEqual([failures.length, handler.repeated], [2, 0]);
});

test('what is not of a kind that is repeated is not kept, nor anything where no memory is', () => {
  const read = Buffer.alloc(65_536, 'request');
  const repeated = new RepeatedAnswers(read, 1 << 22);
  assert.deepEqual([repeated.recall(100), repeated.count], [false, 0]);
  const head = Buffer.from('head');
  const answer = { status: 204, head: [head, commonLines()], body: undefined };
  const repeatable = { mayRepeat: () => true };
  using heap = Aggregate.adopt(Buffer.from('body'));
  using pool = createPool();
  using part = pool.from('body');
  using other = pool.from('another');
  using pieces = Aggregate.concat([part, other]);
  repeated.keep(100, { ...answer, head: [head, Buffer.from('other lines')] }, repeatable);
  repeated.keep(100, { ...answer, head: [Buffer.alloc(20_000), commonLines()] }, repeatable);
  repeated.keep(100, { ...answer, body: heap }, repeatable);
  repeated.keep(100, { ...answer, body: pieces }, repeatable);
  repeated.keep(2000, answer, repeatable);
  assert.deepEqual([repeated.recall(100), repeated.recall(2000), repeated.count], [false, false, 0]);
  repeated.keep(100, answer, repeatable);
  assert.deepEqual([repeated.recall(100), repeated.recall(99), repeated.count], [true, false, 1]);
  assert.deepEqual([repeated.status, repeated.bodyBytes, repeated.requestBytes], [204, 0, 100]);
  const none = new RepeatedAnswers(read, 2 ** 50);
  for (let times = 0; times < 2; times++) {
    none.keep(100, answer, repeatable);
    assert.deepEqual([none.recall(100), none.count], [false, 0]);
  }
});

test('a large body whose memory nobody holds is not repeated, whatever its handler says', () => {
  const read = Buffer.alloc(65_536, 'request');
  const repeated = new RepeatedAnswers(read, 1 << 22);
  const pool = createPool();
  const body = pool.from(someBytes(50_000));
  const [slice] = body.slices();
  const head = [Buffer.from('head'), commonLines()];
  const keep = (): void => {
    repeated.keep(100, { status: 200, head, body }, { mayRepeat: () => true, slice });
  };
  keep();
  assert.equal(repeated.recall(100), true);
  const [, content] = repeated.parts();
  body.release();
  // Who is about to send it holds it.
  assert.deepEqual([repeated.recall(100), content.length], [true, 50_000]);
  (content as Aggregate).release();
  // Nor does its pool, which put more there.
  pool.close();
  assert.deepEqual([repeated.recall(100), repeated.recall(100)], [false, false]);
});
