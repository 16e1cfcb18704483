import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { handle, serverRequest } from '../../../../src/http/node/node-adapter.ts';
import { createProxy } from '../../../../src/http/proxy/proxy.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { Harness } from '../support/harness.ts';

test('fields for one hop stay there, both ways; Via and Forwarded are added', async () => {
  await using harness = await Harness.start((_, response) => {
    response
      .writeHead(200, {
        Connection: 'x-secret',
        'X-Secret': 'hop',
        'Proxy-Authenticate': 'Basic',
        Via: '1.0 inner',
        'Set-Cookie': ['a=1', 'b=2'],
      })
      .end();
  });
  const got = await harness.get('/', {
    Host: 'Example.com:8080',
    Connection: 'close, X-Mine',
    'X-Mine': 'hop',
    TE: 'trailers',
    'Proxy-Authorization': 'Basic eA==',
    Via: '1.0 outer',
    Cookie: 'a=1; b=2',
    Forwarded: 'for=1.2.3.4',
    'X-Forwarded-For': '1.2.3.4',
    'X-End': 'to end',
  });
  const [asked] = harness.asked;
  const headers = asked?.headers ?? {};
  for (const name of ['x-mine', 'te', 'proxy-authorization']) assert.equal(headers[name], undefined, name);
  assert.equal(headers['x-end'], 'to end');
  assert.equal(headers.cookie, 'a=1; b=2');
  assert.match(String(headers.via), /^1\.0 outer, 1\.1 iolite-[0-9a-f]{8}$/);
  assert.equal(headers.host, new URL(harness.originUrl).host);
  assert.equal(headers.forwarded, 'for=127.0.0.1;host="example.com:8080";proto=http');
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(headers['x-forwarded-host'], 'example.com:8080');
  assert.equal(headers['x-forwarded-proto'], 'http');
  assert.equal(got.headers['x-secret'], undefined);
  assert.equal(got.headers['proxy-authenticate'], undefined);
  assert.match(String(got.headers.via), /^1\.0 inner, 1\.1 iolite-/);
  assert.deepEqual(got.headers['set-cookie'], ['a=1', 'b=2']);
});

test('a proxy in front that is trusted says where requests came from', async () => {
  await using harness = await Harness.start((_, response) => response.end(), { trustForwarded: true });
  await harness.get('/', {
    'X-Forwarded-For': '192.0.2.1',
    Forwarded: 'for=192.0.2.1',
    'X-Forwarded-Proto': 'https',
  });
  const [asked] = harness.asked;
  assert.equal(asked?.headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
  assert.match(String(asked?.headers.forwarded), /^for=192\.0\.2\.1, for=127\.0\.0\.1;/);
  assert.equal(asked?.headers['x-forwarded-proto'], 'https');
});

test('hosts do not share what is stored', async () => {
  await using harness = await Harness.start((request, response) => {
    response.setHeader('Cache-Control', 'max-age=60').end(request.headers['x-forwarded-host']);
  });
  for (const host of ['a.example', 'b.example', 'A.Example'])
    assert.equal((await harness.get('/', { Host: host })).text, host.toLowerCase());
  assert.equal(harness.asked.length, 2);
});

test('values of one byte a character come through as they are', async () => {
  await using harness = await Harness.start((request, response) => {
    response.writeHead(200, ['X-Text', request.headers['x-text'] as string]).end();
  });
  const value = Buffer.from('grüße').toString('latin1');
  assert.equal((await harness.get('/', { 'X-Text': value })).headers['x-text'], value);
});

test('bodies of requests are sent on as they come, with a length and without', async () => {
  await using harness = await Harness.start(async (request, response) => {
    const { method, headers } = request;
    let size = 0;
    for await (const piece of request) size += piece.length;
    response.end(`${method} ${size} ${headers['content-length']} ${headers['transfer-encoding']}`);
  });
  const body = Buffer.alloc(3_000_000, 'x');
  const known = await harness.send({ method: 'POST', body, headers: { 'Content-Length': body.length } });
  assert.equal(known.text, 'POST 3000000 3000000 undefined');
  const unknown = await harness.send({ method: 'PUT', body, headers: { 'Transfer-Encoding': 'chunked' } });
  assert.equal(unknown.text, 'PUT 3000000 undefined chunked');
  assert.equal((await harness.send({ method: 'DELETE' })).text.split(' ', 2).join(' '), 'DELETE 0');
});

test('what is malformed, or not to be passed on, is refused', async () => {
  await using harness = await Harness.start((_, response) => response.end('content'));
  assert.equal((await harness.get('*')).status, 400);
  assert.equal((await harness.get('/', { Host: 'a"b' })).status, 400);
  assert.equal((await harness.send({ method: 'TRACE' })).status, 501);
  const absolute = await harness.get('http://other.example/path?q');
  assert.equal(absolute.text, 'content');
  assert.equal(harness.asked.length, 1);
  assert.equal(harness.asked[0]?.url, '/path?q');
  assert.equal(harness.asked[0]?.headers['x-forwarded-host'], 'other.example');
});

test('a request that comes round again is stopped', async () => {
  await using harness = await Harness.start(async (request, response) => {
    const again = await harness.get('/', { Via: request.headers.via });
    response.end(`${again.status}`);
  });
  assert.equal((await harness.get('/')).text, '508');
});

test('the origin that is no HTTP server, and the one that is silent', async () => {
  await using harness = await Harness.start((request, response) => {
    if (request.url === '/garbage') request.socket.end('garbage\r\n\r\n');
    if (request.url === '/smuggled')
      request.socket.end(
        'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' +
          'HTTP/1.1 200 OK\r\n\r\n',
      );
    if (request.url === '/split') response.setHeader('X-A', 'b').end('fine');
  });
  assert.equal((await harness.get('/garbage')).status, 502);
  assert.equal((await harness.get('/smuggled')).status, 502);
  assert.equal((await harness.get('/split')).text, 'fine');
  await using impatient = await Harness.start(() => {}, { headersTimeout: 1000 });
  assert.equal((await impatient.get('/silent')).status, 504);
});

test('a connection that the origin closed meanwhile is not the client’s concern', async () => {
  await using harness = await Harness.start((request, response) => {
    // The first request of each path is lost, as those are that meet a connection being closed.
    const first = harness.asked.filter(({ url }) => url === request.url).length === 1;
    if (first) request.socket.destroy();
    else response.end('content');
  });
  assert.equal((await harness.get('/a')).text, 'content');
  assert.equal((await harness.send({ method: 'POST', path: '/b', body: 'x' })).status, 502);
});

test('createProxy() checks its options', async () => {
  const wrong = [
    undefined,
    {},
    { origin: 'example.com' },
    { origin: 'ftp://example.com' },
    { origin: 'http://example.com/path' },
    { origin: 'http://example.com', budget: '1 GB' },
    { origin: 'http://example.com', pool: {} },
    { origin: 'http://example.com', connections: '1' },
  ];
  for (const options of wrong)
    assert.throws(
      () => createProxy(options as never),
      { code: /^ERR_IOLITE_ARGUMENT$/ },
      JSON.stringify(options),
    );
  assert.throws(() => createProxy({ origin: 'http://example.com', budget: -1 }), {
    code: 'ERR_IOLITE_RANGE',
  });
});

test('a request that is sent in pieces reaches the origin before its end', async () => {
  await using harness = await Harness.start((request, response) => {
    request.once('data', () => response.writeHead(200).end('early'));
  });
  const { port } = new URL(harness.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
  const [data] = await watchdog(once(socket, 'data'), 'a response before the request has ended');
  assert.match(String(data), /^HTTP\/1\.1 200/);
  socket.destroy();
});

test('an origin that answers before it has read the body is heard', async () => {
  await using harness = await Harness.start((_, response) => response.writeHead(413).end('too large'));
  const got = await harness.send({ method: 'POST', body: Buffer.alloc(8_000_000) });
  assert.equal(got.status, 413);
  assert.equal(got.text, 'too large');
});

test('requests of HTTP/2 go on as HTTP/1.1', async () => {
  await using harness = await Harness.start((request, response) => {
    response.setHeader('Cache-Control', 'max-age=60').end(JSON.stringify(request.headers));
  });
  const front = createHttp2(
    (request, response) => void handle(harness.proxy, serverRequest(request), response),
  );
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const client = connectHttp2(`http://127.0.0.1:${(front.address() as AddressInfo).port}`);
  try {
    for (const expected of [/fwd=uri-miss/, /hit/]) {
      const stream = client.request({ ':path': '/a', cookie: ['a=1', 'b=2'], te: 'trailers' });
      const [headers] = await watchdog(once(stream, 'response'), 'a response');
      assert.equal(headers[':status'], 200);
      assert.match(headers['cache-status'], expected);
      let text = '';
      for await (const piece of stream) text += piece;
      const asked = JSON.parse(text);
      assert.equal(asked.cookie, 'a=1; b=2');
      assert.match(asked['x-forwarded-host'], /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(
        Object.keys(asked).filter(name => name.startsWith(':') || name === 'te'),
        [],
      );
    }
  } finally {
    client.destroy();
    front.close();
  }
});
