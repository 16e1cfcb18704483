import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { HttpOrigin } from '../../../../src/http/proxy/origin/http-origin.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { RawClient } from '../../support/raw-client.ts';
import { Harness } from '../support/harness.ts';

function events(path = '/events'): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`;
}

function streamEvents(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
}

test('1,000 open event streams hold up no other request', async () => {
  await using harness = await Harness.start((request, response) => {
    if (request.url?.startsWith('/events')) streamEvents(response);
    else response.end('page');
  });
  const clients = Array.from({ length: 1000 }, (_, i) => new RawClient(harness.port, events(`/events${i}`)));
  try {
    await Promise.all(clients.map(client => client.until(/data: 1/)));
    assert.equal((await harness.get('/page')).text, 'page');
    // Also where the client does not say that it wants one.
    using plain = new RawClient(harness.port, 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    await plain.until(/data: 1/);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

test('what waits for the origin in vain gets 503, is said once, and harms none before it', async () => {
  const waiting: ServerResponse[] = [];
  const said: string[] = [];
  await using harness = await Harness.start((_, response) => waiting.push(response), {
    connections: 2,
    maxStreams: 0,
    queueTimeout: 50,
    maxQueue: 1,
    complain: message => said.push(message),
  });
  const asked = ['/1', '/2', '/3', '/4'].map(path => harness.get(path, { 'Cache-Control': 'no-store' }));
  const refused = await watchdog(Promise.race([asked[2], asked[3]]), 'a refusal');
  assert.equal(refused?.status, 503);
  assert.equal(refused?.headers['retry-after'], '1');
  const statuses = Promise.all(asked.slice(2).map(async each => (await each).status));
  assert.deepEqual(await statuses, [503, 503]);
  assert.equal(said.length, 1);
  assert.match(String(said[0]), /503: all 2 connections to the origin are in use/);
  for (const response of waiting) response.end('late');
  assert.equal((await asked[0])?.text, 'late');
  assert.equal((await asked[1])?.text, 'late');
});

test('a request gets its turn when one before it has come to its end, or its client has left', async () => {
  const waiting: ServerResponse[] = [];
  let told = (): void => {};
  await using harness = await Harness.start(
    (request, response) => {
      if (request.url === '/last') response.end('last');
      else waiting.push(response);
      told();
    },
    { connections: 1, maxStreams: 0 },
  );
  using first = new RawClient(harness.port, 'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  await watchdog(
    new Promise<void>(resolve => {
      told = resolve;
    }),
    'the first request',
  );
  const second = harness.get('/last');
  first[Symbol.dispose]();
  assert.equal((await second).text, 'last');
  assert.equal(waiting.length, 1);
});

test('what takes long makes room for what is answered at once', async () => {
  const waiting: ServerResponse[] = [];
  await using harness = await Harness.start(
    (request, response) => {
      if (request.url === '/page') response.end('page');
      else waiting.push(response);
    },
    { connections: 1, longAfter: 1 },
  );
  const poll = harness.get('/poll');
  assert.equal((await harness.get('/page')).text, 'page');
  for (const response of waiting) response.end('polled');
  assert.equal((await poll).text, 'polled');
});

test('an event stream for which there is no room gets 503', async () => {
  const said: string[] = [];
  await using harness = await Harness.start((_, response) => streamEvents(response), {
    maxStreams: 1,
    complain: message => said.push(message),
  });
  using first = new RawClient(harness.port, events('/1'));
  await first.until(/data: 1/);
  assert.equal((await harness.get('/2', { Accept: 'text/event-stream' })).status, 503);
  assert.match(String(said[0]), /1 streams are open/);
});

test('an event stream may be silent where a body may not', async () => {
  const open = new Map<string, ServerResponse>();
  await using harness = await Harness.start(
    (request, response) => {
      open.set(String(request.url), response);
      if (request.url === '/events') streamEvents(response);
      else response.writeHead(200, { 'Content-Length': '10' }).write('12345');
    },
    { bodyTimeout: 50 },
  );
  using stream = new RawClient(harness.port, events());
  await stream.until(/data: 1/);
  // Its silence began later, and is over.
  await assert.rejects(harness.get('/body'));
  open.get('/events')?.write('data: 2\n\n');
  await stream.until(/data: 2/);
});

test('the time for the head begins when the origin has the whole of a request', async () => {
  await using harness = await Harness.start(
    (request, response) => {
      if (request.method === 'GET') return;
      request.resume().on('end', () => response.end('taken'));
    },
    { headersTimeout: 50 },
  );
  using upload = new RawClient(
    harness.port,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789',
  );
  await watchdog(
    (async () => {
      while (harness.asked.length === 0) await new Promise(setImmediate);
    })(),
    'the upload',
  );
  assert.equal((await harness.get('/')).status, 504);
  upload.socket.write('0123456789'.repeat(9));
  await upload.until(/taken/);
});

test('bounds that are none are refused', () => {
  const origin = 'http://127.0.0.1';
  for (const bound of [{ connections: 0 }, { queueTimeout: 0 }, { maxStreams: -1 }, { eventTimeout: -1 }]) {
    assert.throws(() => new HttpOrigin(origin, bound), { code: 'ERR_IOLITE_RANGE' });
  }
});
