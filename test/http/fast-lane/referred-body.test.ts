import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { commonLines } from '../../../src/http/fast-lane/answer-head.ts';
import { BareLaneLink } from '../../../src/http/fast-lane/bare-lane-link.ts';
import { referable, sendReferred } from '../../../src/http/fast-lane/referred-body.ts';
import { RepeatedAnswers } from '../../../src/http/fast-lane/repeated-answers.ts';
import { BareConnection, descriptorOf } from '../../../src/os/node-socket.ts';
import { someBytes, tcpPair } from '../../support/tcp-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const LINES = Buffer.from('HTTP/1.1 200 OK\r\n');

/** What a reader is sent, of which so many bytes are to come. */
async function readOf(socket: NodeJS.ReadableStream, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let left = bytes;
  while (left > 0) {
    const [piece] = (await watchdog(once(socket, 'data'), 'what was sent')) as [Buffer];
    pieces.push(piece);
    left -= piece.length;
  }
  return Buffer.concat(pieces);
}

test('a body goes by reference where its memory is in one piece and never refilled', async context => {
  const pool = createPool({ refill: false });
  const refilled = createPool();
  context.after(() => {
    pool.close();
    refilled.close();
  });
  const bytes = someBytes(50_000);
  using body = pool.from(bytes);
  using other = refilled.from(bytes);
  using two = pool.from(bytes);
  two.append(other);
  assert.equal(referable(other), undefined);
  assert.equal(referable(two), undefined);
  for (const [size, isReferred] of [
    [61_440, true],
    [61_441, false],
    [524_287, false],
    [524_288, true],
  ] as const) {
    using sized = pool.from(Buffer.alloc(size));
    assert.equal(referable(sized) !== undefined, isReferred, `${size} bytes`);
  }
  const slice = referable(body);
  assert.ok(slice !== undefined);
  const [server, client] = await tcpPair(context);
  const fd = descriptorOf(server);
  const read = readOf(client, 30_000);
  assert.equal(sendReferred(fd, slice, 30_000), 30_000);
  assert.ok((await read).equals(bytes.subarray(0, 30_000)));
  server.destroy();
  assert.equal(sendReferred(-1, slice), 0);
});

test('an answer that is repeated has its body so, behind a copy of its head', async context => {
  const pool = createPool({ refill: false });
  const refilled = createPool();
  context.after(() => {
    pool.close();
    refilled.close();
  });
  const bytes = someBytes(50_000);
  for (const [isReferred, from] of [
    [true, pool],
    [false, refilled],
  ] as const) {
    using body = from.from(bytes);
    const request = Buffer.from(new ArrayBuffer(1024));
    const answers = new RepeatedAnswers(request, 2 ** 21);
    const [server, client] = await tcpPair(context);
    REQUEST.copy(request);
    const head = [LINES, commonLines()];
    answers.keep(
      REQUEST.length,
      { status: 200, head, body },
      { mayRepeat: () => true, slice: body.slices()[0] },
    );
    assert.ok(answers.recall(REQUEST.length));
    assert.equal(answers.isReferred, isReferred);
    const whole = Buffer.concat([...head, bytes]);
    const read = readOf(client, whole.length);
    assert.equal(answers.send(bareLinkTo(server)), undefined);
    assert.ok((await read).equals(whole));
  }
});

/** Sends on a socket's connection. It is the test's. */
function bareLinkTo(socket: Socket): BareLaneLink {
  const connection = BareConnection.beside(socket) ?? assert.fail();
  const link = new BareLaneLink(connection, { socketBy: () => undefined }, IDLE, socket);
  socket.once('close', () => connection.close());
  return link;
}

const IDLE = { filled: () => true, ended() {}, lost() {} };
