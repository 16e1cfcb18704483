import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { FastCgiGateway } from '../../../src/http/fastcgi/fastcgi-gateway.ts';
import type { FastCgiOptions } from '../../../src/http/fastcgi/fastcgi-options.ts';
import { RecordType } from '../../../src/http/fastcgi/record.ts';
import { createServer, type Server } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { decodePairs } from './support/decode-pairs.ts';
import { END, Responder, record } from './support/responder.ts';

const { STDOUT, STDERR, UNKNOWN_TYPE, GET_VALUES_RESULT } = RecordType;
const HEAD = record(STDOUT, 'Content-Type: text/plain\r\n\r\n');

class Fixture implements AsyncDisposable {
  readonly folder = new Folder();
  readonly said: string[] = [];
  readonly responder: Responder;
  readonly gateway: FastCgiGateway;
  readonly server: Server;

  private constructor(responder: Responder, options: Partial<FastCgiOptions>) {
    writeFileSync(this.folder.file('x.php'), '');
    this.responder = responder;
    const { address: fastcgi } = responder;
    this.gateway = new FastCgiGateway({ fastcgi, root: this.folder.path, ...options }, line =>
      this.said.push(line),
    );
    this.server = createServer({ handler: this.gateway });
    this.gateway.redirectsTo(this.gateway);
  }

  static async start(
    answer: (socket: Socket, request: Buffer) => void,
    options: Partial<FastCgiOptions> = {},
  ): Promise<Fixture> {
    const fixture = new Fixture(await Responder.start(answer), options);
    await fixture.server.listen(0, '127.0.0.1');
    return fixture;
  }

  ask(path = '/x.php', init: RequestInit = {}): Promise<Response> {
    const url = `http://127.0.0.1:${this.server.address()?.port}${path}`;
    return watchdog(fetch(url, init), path);
  }

  async answer(path?: string, init?: RequestInit): Promise<[number, string]> {
    const response = await this.ask(path, init);
    return [response.status, await watchdog(response.text(), 'the body')];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.responder[Symbol.asyncDispose]();
    await this.server.close();
    this.gateway.close();
    this.folder[Symbol.dispose]();
  }
}

/** What a responder sends that breaks the protocol, or the form of a response. */
const WRONG: Record<string, readonly Buffer[]> = {
  'nothing but an end': [END],
  'another version': [Buffer.from([2, 6, 0, 1, 0, 0, 0, 0])],
  garbage: [Buffer.alloc(1000, 'garbage')],
  'a request that there is none of': [record(STDOUT, 'Status: 200\r\n\r\n', 7), END],
  'a type that there is none of': [record(99, 'x')],
  'a type that a server sends': [record(RecordType.STDIN, 'x')],
  'an end that is too long': [record(RecordType.END_REQUEST, Buffer.alloc(2000))],
  'an end that is too short': [HEAD, record(RecordType.END_REQUEST, Buffer.alloc(3))],
  'something behind the end': [HEAD, END, record(STDOUT, 'more')],
  'two ends': [HEAD, END, END],
  'a head without an end': [record(STDOUT, 'Status: 200\r\n'), END],
  'a head that never ends': Array.from({ length: 3000 }, (_, i) =>
    record(STDOUT, `X-${i}: ${'x'.repeat(40)}\r\n`),
  ),
  'a line without a name': [record(STDOUT, ': x\r\n\r\n'), END],
  'a line without a colon': [record(STDOUT, 'nonsense\r\n\r\n'), END],
  'a line that goes on': [record(STDOUT, 'A: x\r\n y: z\r\n\r\n'), END],
  'a name with a space': [record(STDOUT, 'A b: x\r\n\r\n'), END],
  'a value with a control character': [record(STDOUT, 'A: x\0y\r\n\r\n'), END],
  'a value with a bare CR': [record(STDOUT, 'A: x\rB: y\r\n\r\n'), END],
  'a status that is none': [record(STDOUT, 'Status: abc\r\n\r\n'), END],
  'an interim status': [record(STDOUT, 'Status: 101 x\r\n\r\n'), END],
  'two lengths': [record(STDOUT, 'Content-Length: 1\r\nContent-Length: 2\r\n\r\na'), END],
  'a length that is none': [record(STDOUT, 'Content-Length: -1\r\n\r\na'), END],
  'a body that is too long': [record(STDOUT, 'Content-Length: 1\r\n\r\nab'), END],
  'a body that is too short': [record(STDOUT, 'Content-Length: 3\r\n\r\nab'), END],
  'a file where none is to be had': [record(STDOUT, 'X-Sendfile: /etc/passwd\r\n\r\n'), END],
  'an endless error': Array.from({ length: 60 }, () => record(STDERR, Buffer.alloc(60_000, 'e'))),
  'much about the connection': Array.from({ length: 10 }, () =>
    record(GET_VALUES_RESULT, Buffer.alloc(9000), 0),
  ),
};

test('whatever a responder sends that it may not is 502, and the next request is answered', async () => {
  let wrong: readonly Buffer[] = [];
  await using fixture = await Fixture.start(socket => {
    if (wrong.length > 0) socket.write(Buffer.concat([...wrong]));
    else socket.write(Buffer.concat([HEAD, record(STDOUT, 'right'), END]));
  });
  for (const [name, pieces] of Object.entries(WRONG)) {
    wrong = pieces;
    assert.equal((await fixture.answer())[0], 502, name);
    assert.ok(fixture.said.length > 0, name);
    wrong = [];
    assert.deepEqual(await fixture.answer(), [200, 'right'], name);
  }
});

test('a response comes in whatever pieces', async () => {
  await using fixture = await Fixture.start(async socket => {
    const padded = Buffer.concat([
      Buffer.from([1, STDOUT, 0, 1, 0, 3, 5, 0]),
      Buffer.from('abc'),
      Buffer.alloc(5),
    ]);
    const all = [HEAD, record(UNKNOWN_TYPE, Buffer.alloc(8), 0), padded, record(STDOUT), END];
    for (const byte of Buffer.concat(all)) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
  });
  for (let i = 0; i < 3; i++) assert.deepEqual(await fixture.answer(), [200, 'abc']);
});

test('a body that breaks off ends the connection of the client', async () => {
  for (const last of [[], [record(STDOUT, 'b'), END]]) {
    let answered: Socket | undefined;
    await using fixture = await Fixture.start(socket => {
      answered = socket;
      socket.write(record(STDOUT, 'Content-Length: 5\r\n\r\na'));
    });
    const response = await fixture.ask();
    assert.equal(response.status, 200);
    if (last.length === 0) answered?.destroy();
    else answered?.write(Buffer.concat(last));
    await assert.rejects(watchdog(response.text(), 'the end'));
  }
});

test('nobody there is 502; one that is overloaded 503; one that is silent 504', async () => {
  const overloaded = record(RecordType.END_REQUEST, Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]));
  await using busy = await Fixture.start(socket => socket.write(overloaded));
  assert.equal((await busy.answer())[0], 503);
  await using gone = await Fixture.start(socket => socket.destroy());
  assert.equal((await gone.answer())[0], 502);
  await using silent = await Fixture.start(() => {}, { timeout: 50 });
  assert.equal((await silent.answer())[0], 504);
  // What is said besides is no answer.
  await using chatty = await Fixture.start(
    socket => {
      const timer = setInterval(() => socket.write(record(STDERR, 'still here\n')), 5);
      socket.once('close', () => clearInterval(timer));
    },
    { timeout: 100 },
  );
  assert.equal((await chatty.answer())[0], 504);
  const { address } = silent.responder;
  await using nobody = await Fixture.start(() => {}, { fastcgi: 'unix:/nowhere/at/all.sock' });
  assert.equal((await nobody.answer())[0], 502);
  assert.notEqual(address, '');
});

test('those who find no place, and those who wait too long, are refused with 503', async () => {
  let first: (() => void) | undefined;
  await using fixture = await Fixture.start(
    socket => {
      first ??= () => socket.write(Buffer.concat([HEAD, END]));
    },
    { connections: 1, maxQueue: 1, queueTimeout: 100 },
  );
  const asked = fixture.answer();
  while (fixture.responder.received.length === 0) await new Promise(setImmediate);
  const [second, third] = await Promise.all([fixture.answer(), fixture.answer()]);
  assert.deepEqual([second[0], third[0]], [503, 503]);
  first?.();
  assert.equal((await asked)[0], 200);
});

test('a client that leaves has the request aborted', async () => {
  await using fixture = await Fixture.start(() => {});
  const aborter = new AbortController();
  const asked = fixture.ask('/x.php', { signal: aborter.signal });
  while (fixture.responder.received.length === 0) await new Promise(setImmediate);
  const [socket] = fixture.responder.sockets as Set<Socket>;
  const closed = once(socket as Socket, 'close');
  aborter.abort();
  await assert.rejects(asked);
  await watchdog(closed, 'the connection to end');
  const end = Buffer.concat(fixture.responder.received).subarray(-8);
  assert.equal(end[1], RecordType.ABORT_REQUEST);
});

test('a connection has one request after the other; one that was closed is replaced', async () => {
  let closes = false;
  await using fixture = await Fixture.start(
    socket => {
      if (closes) {
        closes = false;
        socket.destroy();
      } else socket.write(Buffer.concat([HEAD, record(STDOUT, 'x'), END]));
    },
    { idleTimeout: 60_000 },
  );
  for (let i = 0; i < 5; i++) assert.deepEqual(await fixture.answer(), [200, 'x']);
  assert.equal(fixture.responder.sockets.size, 1);
  closes = true;
  assert.deepEqual(await fixture.answer(), [200, 'x']);
  assert.equal(fixture.responder.sockets.size, 2);
});

test('a redirect inside of the server is answered by what it names, and not without end', async () => {
  await using fixture = await Fixture.start((socket, request) => {
    const parameters = request.subarray(16 + 8);
    const query = decodePairs(
      parameters.subarray(0, (request[20] as number) * 256 + (request[21] as number)),
    )?.get('QUERY_STRING');
    const location = query === 'again' ? '/x.php?again' : '/x.php?there';
    const answer = query === 'there' ? 'Content-Type: text/plain\n\nthere' : `Location: ${location}\n\n`;
    socket.write(Buffer.concat([record(STDOUT, answer), END]));
  });
  assert.deepEqual(await fixture.answer('/x.php', { method: 'POST', body: 'x' }), [200, 'there']);
  assert.equal((await fixture.answer('/x.php?again'))[0], 502);
});

/** A client that says how long a body is and sends its first bytes. */
async function begin(fixture: Fixture, length: number): Promise<Socket> {
  const client = connect(fixture.server.address()?.port as number, '127.0.0.1').on('error', () => {});
  client.write(`POST /x.php HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
  client.write(Buffer.alloc(1000));
  await once(client, 'connect');
  return client;
}

test('clients that send bodies slowly leave connections to others', async () => {
  await using fixture = await Fixture.start(socket => socket.write(Buffer.concat([HEAD, END])), {
    connections: 2,
    queueTimeout: 60_000,
  });
  const clients = await Promise.all([1e6, 1e6, 1e6, 2000, 2000, 2000].map(length => begin(fixture, length)));
  // One of the long ones has come to the responder.
  while (fixture.responder.sockets.size === 0) await new Promise(setImmediate);
  for (let i = 0; i < 3; i++) assert.equal((await fixture.answer())[0], 200);
  assert.equal((await fixture.answer('/x.php', { method: 'POST', body: 'short' }))[0], 200);
  for (const client of clients) client.destroy();
});

test('what may not be done twice is not, when a connection that was kept is lost', async () => {
  let runs = 0;
  let breaks = false;
  await using fixture = await Fixture.start(
    socket => {
      runs += 1;
      if (breaks) socket.destroy();
      else socket.write(Buffer.concat([HEAD, END]));
      breaks = false;
    },
    { idleTimeout: 60_000 },
  );
  for (const [method, status] of [
    ['POST', 502],
    ['PATCH', 502],
    ['DELETE', 200],
  ] as const) {
    await fixture.answer();
    const before = runs;
    breaks = true;
    assert.equal((await fixture.answer('/x.php', { method }))[0], status, method);
    assert.equal(runs - before, status === 502 ? 1 : 2, method);
  }
});

test('how a body came to the server no script is told', async () => {
  let told: Map<string, string> | undefined;
  await using fixture = await Fixture.start((socket, request) => {
    const size = request.readUInt16BE(20);
    told = decodePairs(request.subarray(24, 24 + size));
    socket.write(Buffer.concat([record(STDOUT, 'Status: 204\r\nContent-Length: 5\r\n\r\nhello'), END]));
  });
  const client = connect(fixture.server.address()?.port as number, '127.0.0.1');
  client.write(
    'POST /x.php HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n' +
      '5\r\nhello\r\n0\r\n\r\n',
  );
  const answer = Buffer.concat(await watchdog(client.toArray(), 'the answer')).toString('latin1');
  assert.equal(told?.get('CONTENT_LENGTH'), '5');
  for (const name of ['HTTP_TRANSFER_ENCODING', 'HTTP_TE']) assert.equal(told?.has(name), false, name);
  assert.match(answer, /^HTTP\/1\.1 204 /);
  assert.doesNotMatch(answer, /content-length|hello/i);
});
