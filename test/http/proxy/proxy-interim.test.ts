import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createNodeServer, type RequestListener } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { RawClient } from '../support/raw-client.ts';

/** Sends interim responses, and the response when it is told to go on. */
async function hintingOrigin(t: TestContext): Promise<{ url: string; goOn: () => void }> {
  const waiting: (() => void)[] = [];
  const listener: RequestListener = (_, response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: ['</a.css>; rel=preload', '</b.js>; rel=preload'] });
    waiting.push(() => response.end('at last'));
  };
  const server = createNodeServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    goOn: () => {
      for (const each of waiting.splice(0)) each();
    },
  };
}

const HINTS =
  'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n' +
  'Link: </a.css>; rel=preload, </b.js>; rel=preload\r\n\r\n';

test('interim responses of the origin pass, to clients of the fast lane and of node:http', async t => {
  const { url, goOn } = await hintingOrigin(t);
  const server = createServer({ origin: url });
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  const port = server.address()?.port as number;
  for (const more of ['', 'Accept-Datetime: x\r\n', 'Cache-Control: no-store\r\n']) {
    using client = new RawClient(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`);
    const hints = await client.until(/ 103[\s\S]*?\r\n\r\n/);
    assert.equal(hints.replace('link:', 'Link:'), HINTS);
    goOn();
    assert.match(await client.whole(), /^HTTP\/1\.1 200 [\s\S]*at last$/);
  }
});

test('a client of HTTP/1.0 is sent none', async t => {
  const { url, goOn } = await hintingOrigin(t);
  const server = createServer({ origin: url });
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  using client = new RawClient(server.address()?.port as number, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  const answered = client.whole();
  const timer = setInterval(goOn, 5);
  assert.match(await answered, /^HTTP\/1\.1 200 /);
  clearInterval(timer);
});

test('interim responses pass to clients of HTTP/2', async t => {
  const { url, goOn } = await hintingOrigin(t);
  using folder = new Folder();
  const { cert, key } = certificate(folder);
  const server = createServer({ origin: url, tls: { cert, key } });
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  const session = connectHttp2(`https://localhost:${server.address()?.port}`, { ca: cert });
  const stream = session.request({ ':path': '/' });
  const got: [unknown, unknown][] = [];
  const hinted = new Promise<void>(resolve => {
    stream.on('headers', headers => {
      got.push([headers[':status'], headers.link]);
      if (got.length === 2) resolve();
    });
  });
  await watchdog(hinted, 'hints');
  assert.deepEqual(got, [
    [102, undefined],
    [103, '</a.css>; rel=preload, </b.js>; rel=preload'],
  ]);
  goOn();
  const [headers] = await watchdog(once(stream, 'response'), 'the response');
  assert.equal(headers[':status'], 200);
  await watchdog(once(stream.resume(), 'end'), 'the end');
  session.destroy();
});
