import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer as createNodeServer, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, type RequestOptions, request } from 'node:https';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { AnswerReport } from '../../../src/http/message/answer-report.ts';
import type { Answer, Handler, Recipient, ServerRequest } from '../../../src/http/message/exchange.ts';
import { handlerOf } from '../../../src/http/message/promised-answer.ts';
import { textAnswer } from '../../../src/http/message/status-answer.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/http/server/http-server.ts';
import { type CreateServerOptions, createServer } from '../../../src/http/server/server.ts';
import { secureSettings } from '../../../src/http/server/tls-options.ts';
import { createSite } from '../../../src/http/site/site.ts';
import { ByteProxy } from '../../network/support/byte-proxy.ts';
import { certificateFor } from '../../network/support/tls-settings.ts';
import { Folder } from '../../support/folder.ts';
import { listenerOf } from '../../support/lane-server.ts';
import { watchdog } from '../../support/watchdog.ts';
import { writeFiles } from '../support/site-server.ts';

const LARGE = randomBytes(3_000_000);

function tlsOf(t: TestContext): { readonly cert: string; readonly key: string } {
  const folder = new Folder();
  t.after(() => folder[Symbol.dispose]());
  return certificateFor(folder, 'localhost');
}

async function siteOf(t: TestContext, options: Partial<CreateServerOptions> = {}): Promise<number> {
  const folder = new Folder();
  writeFiles(folder, { 'a.txt': 'small', 'large.bin': LARGE });
  const server = createServer({ root: folder.path, tls: tlsOf(t), ...options });
  await server.listen(0, '127.0.0.1');
  t.after(async () => {
    await server.close();
    folder[Symbol.dispose]();
  });
  return server.address()?.port as number;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function ask(port: number, options: RequestOptions = {}, body?: Buffer): Promise<Reply> {
  const sending = request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false, ...options });
  sending.end(body);
  const [response] = (await watchdog(once(sending, 'response'), 'an answer')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
}

async function connected(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await watchdog(once(socket, 'secureConnect'), 'a handshake');
  return socket;
}

async function wholeOf(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const all = (async () => {
    for await (const piece of socket) pieces.push(piece);
  })();
  await watchdog(all, 'the end');
  return Buffer.concat(pieces);
}

test('files are served over TLS as without: by GET, HEAD and Range, in pipelines', async t => {
  const port = await siteOf(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  t.after(() => agent.destroy());
  const small = await ask(port, { path: '/a.txt', agent });
  assert.equal(small.body.toString(), 'small');
  // Repeated ones, of both sizes.
  for (let count = 0; count < 5; count++) {
    assert.equal((await ask(port, { path: '/a.txt', agent })).body.toString(), 'small');
    assert.ok((await ask(port, { path: '/large.bin', agent })).body.equals(LARGE));
  }
  const head = await ask(port, { path: '/large.bin', method: 'HEAD', agent });
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '3000000', 0]);
  const { etag = '' } = small.headers;
  const unchanged = await ask(port, { path: '/a.txt', headers: { 'If-None-Match': etag }, agent });
  assert.equal(unchanged.status, 304);
  const part = await ask(port, { path: '/large.bin', headers: { Range: 'bytes=1000000-1200000' }, agent });
  assert.equal(part.status, 206);
  assert.ok(part.body.equals(LARGE.subarray(1_000_000, 1_200_001)));

  const socket = await connected(port);
  const one = 'GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(one.repeat(99));
  socket.end(`GET /large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const whole = await wholeOf(socket);
  assert.equal(whole.toString('latin1').split('HTTP/1.1 200 OK').length, 101);
  assert.ok(whole.subarray(-LARGE.length).equals(LARGE));
});

test('what a slow client takes in its own time is whole', async t => {
  const port = await siteOf(t);
  const socket = await connected(port);
  socket.pause();
  socket.write('GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10));
  socket.write('GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const others = await Promise.all(Array.from({ length: 20 }, () => ask(port, { path: '/large.bin' })));
  for (const { body } of others) assert.ok(body.equals(LARGE));
  const whole = await wholeOf(socket);
  const bodies = whole.toString('latin1').split('\r\n\r\n');
  assert.equal(bodies.at(-1), 'small');
  assert.ok(whole.length > 10 * LARGE.length);
  assert.ok(whole.includes(LARGE));
});

test('what is unusual goes to node:http with its bytes unread', async t => {
  const seen: (readonly [boolean | undefined, string | undefined])[] = [];
  const handler: Handler = {
    answer(request: ServerRequest, recipient: Recipient) {
      seen.push([request.secure, request.remoteAddress]);
      const { body } = request;
      if (body === undefined) {
        recipient.answered(textAnswer(200, 'text/plain', request.target, []));
        return undefined;
      }
      void (async () => {
        let length = 0;
        for await (const piece of body) {
          length += piece.length;
          piece.release();
        }
        recipient.answered(textAnswer(200, 'text/plain', String(length), []));
      })();
      return { giveUp() {} };
    },
  };
  const reports: AnswerReport[] = [];
  const port = await listening(t, { handler, listeners: [listenerOf(report => void reports.push(report))] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  t.after(() => agent.destroy());
  assert.equal((await ask(port, { path: '/first', agent })).body.toString(), '/first');
  const posted = await ask(port, { path: '/x', method: 'POST', agent }, LARGE);
  assert.equal(posted.body.toString(), String(LARGE.length));
  assert.equal((await ask(port, { path: '/later', agent })).body.toString(), '/later');
  const expecting = { path: '/x', method: 'PUT', headers: { Expect: '100-continue', 'Content-Length': '5' } };
  assert.equal((await ask(port, expecting, Buffer.from('12345'))).body.toString(), '5');
  assert.deepEqual(
    seen,
    seen.map(() => [true, '127.0.0.1']),
  );
  const garbage = await connected(port);
  garbage.write('no request\r\n\r\n');
  assert.match((await wholeOf(garbage)).toString(), /^HTTP\/1\.1 400 /);
});

async function listening(t: TestContext, options: Omit<HttpServerOptions, 'tls'>): Promise<number> {
  const server = new HttpServer({ tls: secureSettings(tlsOf(t)), ...options });
  await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function hello(): Promise<Answer> {
  return Promise.resolve(textAnswer(200, 'text/plain', 'hello', []));
}

test('a client that speaks plain HTTP is sent to HTTPS', async t => {
  const port = await siteOf(t);
  const answerTo = async (...parts: string[]): Promise<string> => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
    for (const part of parts) await new Promise(resolve => socket.write(part, resolve));
    return (await wholeOf(socket)).toString();
  };
  const get = await answerTo('GET /a?b=c HTTP/1.1\r\nHost: localhost:1\r\n\r\n');
  assert.match(get, /^HTTP\/1\.1 301 .*\r\nLocation: https:\/\/localhost:1\/a\?b=c\r\n/);
  assert.match(
    await answerTo('GET / HT', 'TP/1.1\r\nHo', 'st: [::1]:1\r\n\r\n'),
    /Location: https:\/\/\[::1\]:1\/\r\n/,
  );
  assert.match(
    await answerTo('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'),
    /^HTTP\/1\.1 308 /,
  );
  for (const request of [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET //x y HTTP/1.1\r\nHost: a\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    'SSH-2.0-x\r\n\r\n',
  ])
    assert.match(await answerTo(request), /^HTTP\/1\.1 400 /, request);
});

test('a WebSocket goes through to the server behind', async t => {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', socket => socket.on('message', data => socket.send(`heard ${data}`)));
  const origin = createNodeServer().listen(0, '127.0.0.1');
  origin.on('upgrade', (message, socket, head) =>
    sockets.handleUpgrade(message, socket, head, client => sockets.emit('connection', client, message)),
  );
  await once(origin, 'listening');
  t.after(() => origin.close());
  const server = createServer({
    origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
    tls: tlsOf(t),
  });
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  const client = new WebSocket(`wss://127.0.0.1:${server.address()?.port}/`, { rejectUnauthorized: false });
  await watchdog(once(client, 'open'), 'the WebSocket to open');
  for (const word of ['one', 'x'.repeat(300_000)]) {
    client.send(word);
    const [data] = await watchdog(once(client, 'message'), 'a message');
    assert.equal(String(data), `heard ${word}`);
  }
  client.close();
  await watchdog(once(client, 'close'), 'the WebSocket to close');
});

test('a client that never ends its handshake, or its head, is left after headersTimeout', async t => {
  const port = await listening(t, {
    handler: { answer: () => ({ giveUp() {} }) },
    limits: { headersTimeout: 1000 },
  });
  const silent = connectTcp({ port, host: '127.0.0.1' });
  const begun = connectTcp({ port, host: '127.0.0.1' });
  begun.write(Buffer.from('16030100', 'hex'));
  const secured = await connected(port);
  for (const socket of [silent, begun, secured]) {
    socket.resume();
    socket.on('error', () => {});
  }
  await watchdog(
    Promise.all([silent, begun, secured].map(socket => once(socket, 'close'))),
    'all to be closed',
  );
});

test('curl and openssl are served', async t => {
  const port = await siteOf(t);
  for (const options of [['--http1.1'], ['--http1.1', '--tls-max', '1.2'], ['--http2'], ['--http1.0']]) {
    const url = `https://127.0.0.1:${port}/large.bin`;
    const { stdout } = await promisify(execFile)('curl', ['-sk', ...options, url], {
      encoding: 'buffer',
      maxBuffer: 2 * LARGE.length,
    });
    assert.ok(stdout.equals(LARGE), options.join(' '));
  }
  const asking = promisify(execFile)('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`]);
  asking.child.stdin?.write('GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match((await watchdog(asking, 'the end of s_client')).stdout, /small$/);
});

test('where Node.js speaks TLS all is the same but the speed', async t => {
  const handler: Handler = {
    answer(request: ServerRequest, recipient: Recipient) {
      recipient.answered(textAnswer(200, 'text/plain', `${request.method} ${request.secure}`, []));
      return undefined;
    },
  };
  for (const tlsBy of ['node', 'openssl'] as const) {
    const port = await listening(t, { handler, tlsBy });
    assert.equal((await ask(port)).body.toString(), 'GET true', tlsBy);
    assert.equal((await ask(port, { method: 'POST' }, Buffer.from('x'))).body.toString(), 'POST true', tlsBy);
  }
});

test('a server that is closed lets answers finish, and idle connections end', async t => {
  let answer: ((answer: Answer) => void) | undefined;
  const handler: Handler = {
    answer(_request: ServerRequest, recipient: Recipient) {
      answer = given => recipient.answered(given);
      return { giveUp() {} };
    },
  };
  const server = new HttpServer({ handler, tls: secureSettings(tlsOf(t)) });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  const busy = ask(port);
  while (answer === undefined) await new Promise(setImmediate);
  const idle = await connected(port);
  const idleEnd = wholeOf(idle);
  const closing = server.close();
  answer(await hello());
  assert.equal((await busy).body.toString(), 'hello');
  await idleEnd;
  await watchdog(closing, 'the server to close');
});

test('who is shaking hands when the server closes gets an answer', async t => {
  const handler = handlerOf(() => textAnswer(200, 'text/plain', 'the last', []));
  const server = new HttpServer({ handler, tls: secureSettings(tlsOf(t)) });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  const silent = connectTcp({ port, host: '127.0.0.1' });
  await once(silent, 'connect');
  const events = new EventEmitter();
  let release: (() => void) | undefined;
  await using proxy = await ByteProxy.before(port, () => (bytes, upstream) => {
    if (release !== undefined) {
      upstream.write(bytes);
      return;
    }
    upstream.write(bytes.subarray(0, 50));
    release = () => upstream.write(bytes.subarray(50));
    events.emit('begun');
  });
  const begun = once(events, 'begun');
  const asked = ask(proxy.port);
  await watchdog(begun, 'the beginning');
  // What came before that is read by then.
  await ask(port);
  const closing = server.close();
  silent.resume();
  await watchdog(once(silent, 'close'), 'the end of who says nothing');
  release?.();
  assert.equal((await asked).body.toString(), 'the last');
  await watchdog(closing, 'the end of the server');
});

test('a hundred large answers at a time are whole over HTTP/2, and the server ends behind', async t => {
  const folder = new Folder();
  t.after(() => folder[Symbol.dispose]());
  writeFiles(folder, { 'large.bin': LARGE });
  using cache = createFileCache();
  const handler = createSite(folder.path, { cache });
  for (const tlsBy of ['node', 'openssl'] as const) {
    const server = new HttpServer({ handler, tls: secureSettings(tlsOf(t)), tlsBy });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as AddressInfo;
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const answers = Array.from({ length: 100 }, async () => {
      const stream = session.request({ ':path': '/large.bin' });
      let at = 0;
      for await (const piece of stream as AsyncIterable<Buffer>) {
        assert.ok(LARGE.subarray(at, at + piece.length).equals(piece), tlsBy);
        at += piece.length;
      }
      assert.equal(at, LARGE.length, tlsBy);
    });
    const [first] = answers;
    await watchdog(first as Promise<void>, 'the first answer');
    const closing = server.close();
    await watchdog(Promise.all(answers), 'the answers');
    await watchdog(closing, 'the end of the server');
    session.destroy();
  }
});
