import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { RawClient } from '../../http/support/raw-client.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, Iolite, Served } from '../support/server.ts';

/** An origin, gone when disposed of. */
async function listening(listener: RequestListener): Promise<{ url: string; server: Server } & Disposable> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('--origin: all workers answer from one cache, which asks the origin once', async () => {
  let asked = 0;
  using origin = await listening((request, response) => {
    asked += 1;
    response.setHeader('Cache-Control', 'max-age=600').end(`${request.url} `.repeat(5000));
  });
  await using served = await Served.startWith(['-w', '2', '--origin', origin.url], {
    IOLITE_IDENTIFY_WORKERS: '1',
  });
  const hits = new Set<unknown>();
  for (let i = 0; i < 300 && hits.size < 2; i++) {
    const { status, body, headers } = await get(served.port, '/page');
    assert.equal(status, 200);
    assert.equal(body.toString(), '/page '.repeat(5000));
    if (/hit/.test(String(headers['cache-status']))) hits.add(headers['x-iolite-worker']);
  }
  assert.equal(hits.size, 2);
  assert.equal(asked, 1);
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
});

test('--origin: answers keep the date that the origin gave them', async () => {
  const date = new Date(Date.now() - 5000).toUTCString();
  using origin = await listening((_, response) => {
    response.setHeader('Cache-Control', 'max-age=600').setHeader('Date', date).end('page');
  });
  await using served = await Served.startWith(['-w', '1', '--origin', origin.url]);
  for (let i = 0; i < 3; i++) {
    const { headers } = await get(served.port, '/page');
    assert.equal(headers.date, date);
    assert.equal(headers.age === undefined, i === 0);
  }
});

test('--origin answers what no file does; an origin that is gone costs its own only', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  using origin = await listening((_, response) => response.end('behind'));
  await using served = await Served.startWith([folder.path, '-w', '1', '--origin', origin.url]);
  assert.equal((await get(served.port, '/')).body.toString(), 'home');
  assert.equal((await get(served.port, '/else')).body.toString(), 'behind');
  origin[Symbol.dispose]();
  assert.equal((await get(served.port, '/else')).status, 502);
  assert.equal((await get(served.port, '/')).status, 200);
});

test('--origin that is no URL of a server is said', async () => {
  for (const origin of ['nowhere', 'http://127.0.0.1/path', 'ftp://127.0.0.1']) {
    await using iolite = new Iolite(['serve', '--origin', origin]);
    assert.equal((await iolite.ended()).code, 1, origin);
    assert.match(iolite.stderr, /^iolite: Cannot serve /);
  }
});

test('--origin and --app together are refused', async () => {
  await using iolite = new Iolite(['serve', '--origin', 'http://127.0.0.1:1', '--app', 'app.js']);
  assert.equal((await iolite.ended()).code, 1);
  assert.match(iolite.stderr, /^iolite: Cannot serve an application and an origin: /);
});

test('bodies of any length go through both ways, and are not kept where that is not wanted', async () => {
  const size = 8 * 1024 ** 2;
  using origin = await listening(async (request, response) => {
    let received = 0;
    for await (const piece of request) received += piece.length;
    response.setHeader('Cache-Control', 'no-store').setHeader('X-Received', received);
    response.write(Buffer.alloc(size / 2, 'a'));
    response.end(Buffer.alloc(size / 2, 'b'));
  });
  await using served = await Served.startWith(['-w', '1', '--origin', origin.url]);
  for (let round = 0; round < 2; round++) {
    const answer = await fetch(`http://127.0.0.1:${served.port}/`, {
      method: 'POST',
      body: Buffer.alloc(size, 'c'),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(answer.headers.get('x-received'), String(size));
    assert.ok(bytes.equals(Buffer.concat([Buffer.alloc(size / 2, 'a'), Buffer.alloc(size / 2, 'b')])));
  }
});

test('--origin: event streams, silent or not, hold up nothing; upgrades pass', async () => {
  using origin = await listening((request, response) => {
    if (request.url === '/page') response.end('page');
    else response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
  });
  origin.server.on('upgrade', (_, socket, head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  await using served = await Served.startWith(['-w', '2', '--origin', origin.url]);
  const clients = Array.from(
    { length: 1200 },
    (_, i) =>
      new RawClient(served.port, `GET /${i} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`),
  );
  await Promise.all(clients.map(client => client.until(/data: 1/)));
  assert.equal((await get(served.port, '/page')).body.toString(), 'page');
  using upgraded = new RawClient(
    served.port,
    'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello',
  );
  await upgraded.until(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nhello/);
  for (const client of clients) client[Symbol.dispose]();
});

test('proxy.headersTimeout and bodyTimeout end what the origin leaves unanswered', async () => {
  using folder = new Folder();
  using origin = await listening((request, response) => {
    if (request.url === '/page') response.end('page');
    else if (request.url === '/half') response.writeHead(200, { 'Content-Length': 10 }).write('half');
  });
  const config = folder.file('config.json');
  // Long enough for a head to come in time on a machine with much else to do.
  const proxy = { headersTimeout: 1000, bodyTimeout: 1000 };
  writeFileSync(config, JSON.stringify({ origin: origin.url, proxy, workers: 1 }));
  await using served = await Served.startWith(['--config', config]);
  assert.equal((await get(served.port, '/none')).status, 504);
  using half = new RawClient(served.port, 'GET /half HTTP/1.1\r\nHost: a\r\n\r\n');
  await half.until(/\r\n\r\nhalf/);
  assert.equal(await half.whole(), '');
  assert.equal((await get(served.port, '/page')).body.toString(), 'page');
});

test('PURGE by HTTP/2 forgets what all workers hold', async () => {
  using folder = new Folder();
  using keys = new Folder();
  const { paths, cert } = certificate(keys);
  let asked = 0;
  using origin = await listening((_, response) => {
    asked += 1;
    response.setHeader('Cache-Control', 'max-age=600').end(`${asked}`);
  });
  const token = 'a-token-of-many-characters';
  const config = folder.file('config.json');
  writeFileSync(
    config,
    JSON.stringify({ origin: origin.url, proxy: { purge: { token } }, workers: 2, tls: paths }),
  );
  await using served = await Served.startWith(['--config', config]);
  const session = connectHttp2(`https://localhost:${served.port}`, { ca: cert });
  const ask = async (method: string, headers: Record<string, string> = {}): Promise<string> => {
    const stream = session.request({ ':method': method, ':path': '/page', ...headers });
    stream.setEncoding('utf8').end();
    const [{ ':status': status }] = await watchdog(once(stream, 'response'), 'an answer');
    let body = '';
    for await (const piece of stream) body += piece;
    return `${status} ${body}`;
  };
  for (let times = 0; times < 3; times++) assert.equal(await ask('GET'), '200 1');
  assert.match(await ask('PURGE'), /^401/);
  assert.equal(await ask('GET'), '200 1');
  assert.equal(await ask('PURGE', { authorization: `Bearer ${token}` }), '200 {"responses":1}\n');
  assert.equal(await ask('GET'), '200 2');
  session.destroy();
});

test('an origin in an object store is asked as its settings say', async () => {
  using store = await listening(({ url, headers }, response) => {
    const { authorization = '' } = headers;
    if (!/Credential=KEY\/\d+\/eu-1\/s3\/aws4_request/.test(authorization)) response.writeHead(403).end();
    else response.setHeader('Cache-Control', 'max-age=600').end(`${url}`);
  });
  using folder = new Folder();
  const file = folder.file('iolite.config.json');
  const credentials = { accessKeyId: 'KEY', secretAccessKey: 'SECRET' };
  const s3 = { endpoint: store.url, region: 'eu-1', credentials, index: 'start.html' };
  const settings = { origin: 's3://shop-assets/site', proxy: { s3 }, workers: 1 };
  writeFileSync(file, JSON.stringify(settings));
  await using served = await Served.startWith(['--config', file]);
  const { status, body } = await get(served.port, '/a/');
  assert.deepEqual([status, body.toString()], [200, '/shop-assets/site/a/start.html']);
  assert.match(String((await get(served.port, '/a/')).headers['cache-status']), /iolite; hit/);
  writeFileSync(file, JSON.stringify({ ...settings, proxy: { s3: { ...s3, endpoint: 'objects.example' } } }));
  await using refused = new Iolite(['serve', '--config', file]);
  assert.notEqual((await refused.ended()).code, 0);
  assert.match(refused.stderr, /proxy\.s3\.endpoint: a URL as https:\/\/objects\.example is wanted/);
});
