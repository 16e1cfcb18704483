import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { BodyRoom } from '../../../../src/http/proxy/origin/body-room.ts';
import { ReceivedBody } from '../../../../src/http/proxy/origin/received-body.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { Harness } from '../support/harness.ts';

const MiB = 1024 ** 2;

test('the first bytes are sent on when they come, whether it is stored or not', async () => {
  for (const control of ['max-age=60', 'no-store']) {
    let end: (() => void) | undefined;
    await using harness = await Harness.start((_, response) => {
      response.writeHead(200, { 'Cache-Control': control });
      response.write('first');
      end = () => response.end(' second');
    });
    const incoming = await open(harness.url);
    const pieces = incoming[Symbol.asyncIterator]();
    const next = async () => String((await watchdog(pieces.next(), 'more bytes')).value);
    assert.equal(await next(), 'first');
    // Who comes now gets it from the beginning.
    const other = control === 'max-age=60' ? harness.get('/') : undefined;
    if (other === undefined) end?.();
    else {
      await new Promise(setImmediate);
      end?.();
      assert.equal((await other).text, 'first second');
    }
    assert.equal(await next(), ' second');
    assert.equal((await watchdog(pieces.next(), 'the end')).done, true);
  }
});

test('an origin that dies amid breaks the client’s connection, and nothing is stored', async () => {
  let dying: ServerResponse[] = [];
  await using harness = await Harness.start((_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': 1000 });
    response.write('x'.repeat(500));
    dying.push(response);
  });
  for (let round = 0; round < 2; round++) {
    const incoming = await open(harness.url);
    const [data] = await watchdog(once(incoming, 'data'), 'the first bytes');
    assert.equal(String(data).length, 500);
    for (const response of dying) response.destroy();
    dying = [];
    await assert.rejects(watchdog(once(incoming, 'end'), 'the end'), { code: 'ECONNRESET' });
    assert.equal(harness.asked.length, round + 1);
  }
});

test('an end that nothing marks is not taken for the true one: it is not stored', async () => {
  await using harness = await Harness.start(({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\ncontent');
  });
  for (let round = 1; round <= 2; round++) {
    assert.equal((await harness.get('/')).text, 'content');
    assert.equal(harness.asked.length, round);
  }
});

test('what is larger than may be stored streams through, at the pace of who reads it', async () => {
  const size = 24 * MiB;
  for (const length of [{ 'Content-Length': size }, {}]) {
    let sent = 0;
    await using harness = await Harness.start(
      async (_, response) => {
        response.writeHead(200, { 'Cache-Control': 'max-age=60', ...length });
        for (sent = 0; sent < size; sent += MiB) {
          if (!response.write(Buffer.alloc(MiB, 'x'))) await once(response, 'drain');
        }
        response.end();
      },
      { budget: 8 * MiB },
    );
    const incoming = await open(harness.url);
    await watchdog(once(incoming, 'readable'), 'the first bytes');
    // Nobody reads: everything between fills up, and the origin has to wait.
    let before = -1;
    while (before !== sent) {
      before = sent;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    assert.ok(sent < size, `${sent} bytes were sent to nobody`);
    let received = 0;
    for await (const piece of incoming) received += piece.length;
    assert.equal(received, size);
    assert.equal((await harness.get('/')).text.length, size);
    assert.equal(harness.asked.length, 2);
  }
});

test('readers get all of it at their own pace, and what nobody needs is let go of', async () => {
  const pool = createPool();
  const calls: string[] = [];
  const body = new ReceivedBody({
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
    abort: () => calls.push('abort'),
  });
  let kept = '';
  body.keep({
    limit: 3 * MiB,
    room: new BodyRoom(() => 3 * MiB),
    evenAlone: true,
    done: content => {
      kept = content.toString();
      body.close();
      return pool.from(kept);
    },
    dropped: () => assert.fail('dropped'),
  });
  const one = body.reader();
  const two = body.reader();
  for (let i = 0; i < 3; i++) body.push(Buffer.alloc(MiB, `${i}`));
  const read = async (reader: AsyncIterableIterator<{ toString(): string; release(): void }>) => {
    let text = '';
    for await (const piece of reader) {
      text += piece.toString();
      piece.release();
    }
    return text;
  };
  const first = read(one);
  body.end();
  assert.equal((await first).length, 3 * MiB);
  assert.equal(await read(two), kept);
  assert.deepEqual(calls, []);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('bodies that are to be stored take no more together than their room, whoever reads them', async () => {
  const room = new BodyRoom(() => 4 * MiB);
  const calls: string[] = [];
  const [first, second] = ['first', 'second'].map(name => {
    const flow = ['pause', 'resume', 'abort'].map(call => [call, () => calls.push(`${name} ${call}`)]);
    const body = new ReceivedBody(Object.fromEntries(flow));
    const done = (): void => {
      calls.push(`${name} done`);
      body.close();
    };
    const dropped = (): void => {
      calls.push(`${name} dropped`);
      body.close();
    };
    body.keep({ limit: 3 * MiB, room, evenAlone: false, done: () => void done(), dropped });
    return { body, reader: body.reader() };
  }) as [Incoming, Incoming];
  for (let i = 0; i < 3; i++) first.body.push(Buffer.alloc(MiB));
  first.body.end();
  assert.equal(room.bytes, 3 * MiB, 'what was not stored stays until it is read');
  for (let i = 0; i < 2; i++) second.body.push(Buffer.alloc(MiB));
  assert.deepEqual(calls, ['first done', 'second dropped', 'second pause']);
  for (const { reader } of [first, second]) await reader.return?.();
  await new Promise(setImmediate);
  assert.equal(room.bytes, 0);
});

interface Incoming {
  readonly body: ReceivedBody;
  readonly reader: AsyncIterableIterator<{ release(): void }>;
}

async function open(url: string): Promise<IncomingMessage> {
  const outgoing = request(url, { agent: false });
  outgoing.end();
  const [incoming] = await watchdog(once(outgoing, 'response'), 'a response');
  return incoming as IncomingMessage;
}
