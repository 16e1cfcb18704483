import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  forwardedNodes,
  isPassedOn,
  plainName,
  tellsOfRequest,
} from '../../../src/http/proxy/forwarded-fields.ts';
import { Harness, type Respond } from './support/harness.ts';

/** A page that shows what its origin may make of the fields of a request, and may be kept. */
const showsFields: Respond = (request, response) => {
  const shown = [
    ...['forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-prefix'],
    ...['x-original-url', 'x-rewrite-url', 'x-host', 'x-http-method-override', 'x-method-override', 'proxy'],
    ...['x_forwarded_host', 'x_original_url', 'x-forwarded-scheme', 'front-end-https'],
  ];
  const text = shown.map(name => `${name}: ${request.headers[name] ?? ''}`).join('\n');
  response.setHeader('Cache-Control', 'max-age=60').end(text);
};

test('nothing that a client says of where it is gets into the page of the next one', async () => {
  await using harness = await Harness.start(showsFields);
  const evil = {
    Forwarded: 'host=evil.example',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'evil',
    'X-Forwarded-Port': '666-evil',
    'X-Forwarded-Prefix': '/evil',
    'X-Forwarded-Scheme': 'evil',
    'X-Original-URL': '/evil',
    'X-Rewrite-URL': '/evil',
    'X-Host': 'evil.example',
    'X-HTTP-Method-Override': 'EVIL',
    'X-Method-Override': 'EVIL',
    X_Forwarded_Host: 'evil.example',
    X_Original_URL: '/evil',
    'Front-End-Https': 'evil',
    Proxy: 'http://evil.example',
  };
  const poisoned = await harness.get('/', { Host: 'a.example', ...evil });
  const next = await harness.get('/', { Host: 'a.example' });
  assert.match(String(next.headers['cache-status']), /hit/);
  assert.doesNotMatch(poisoned.text, /evil/i);
  assert.equal(next.text, poisoned.text);
  assert.match(next.text, /^x-forwarded-host: a\.example$/m);
});

test('where they are believed, they are part of what a page is kept under', async () => {
  await using harness = await Harness.start(showsFields, { trustForwarded: true });
  const front = { Host: 'inner', 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Proto': 'https' };
  const evil: Record<string, string>[] = [
    { 'X-Forwarded-Host': 'evil.example' },
    { 'X-Forwarded-Proto': 'http' },
    { 'X-Forwarded-Host': 'evil.example, a.example' },
    { 'X-Forwarded-Port': '666-evil' },
    { 'X-Forwarded-Prefix': '/evil' },
    { 'X-Original-URL': '/evil' },
    { X_Forwarded_Host: 'evil.example' },
    { Forwarded: 'host=evil.example;proto=http;for=192.0.2.7' },
    { 'X-HTTP-Method-Override': 'EVIL' },
  ];
  for (const fields of evil) await harness.get('/', { ...front, ...fields });
  const got = await harness.get('/', front);
  assert.doesNotMatch(got.text, /evil/i);
  assert.match(got.text, /^x-forwarded-host: a\.example$/m);
  assert.match(got.text, /^x-forwarded-proto: https$/m);
  const prefixed = await harness.get('/', { ...front, 'X-Forwarded-Prefix': '/shop' });
  assert.match(prefixed.text, /^x-forwarded-prefix: \/shop$/m);
  const again = await harness.get('/', { ...front, 'X-Forwarded-Prefix': '/shop' });
  assert.match(String(again.headers['cache-status']), /hit/);
});

test('one request by http does not have all that come by https redirected', async () => {
  await using harness = await Harness.start(
    (request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      if (request.headers['x-forwarded-proto'] === 'https') response.end('page');
      else response.writeHead(301, { Location: 'https://a.example/' }).end();
    },
    { trustForwarded: true },
  );
  const by = (scheme: string) => harness.get('/', { Host: 'a.example', 'X-Forwarded-Proto': scheme });
  for (let i = 0; i < 2; i++) {
    assert.equal((await by('http')).status, 301);
    assert.equal((await by('https')).text, 'page');
  }
  assert.equal(harness.asked.length, 2);
});

test('a client cannot take a field away from the request that a variant is kept for', async () => {
  await using harness = await Harness.start((request, response) => {
    response
      .writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' })
      .end(`in ${request.headers['accept-language'] ?? 'no language'}`);
  });
  const german = { 'Accept-Language': 'de' };
  const taken = await harness.get('/', { ...german, Connection: 'close, Accept-Language' });
  assert.equal(taken.text, 'in no language');
  assert.equal((await harness.get('/', german)).text, 'in de');
  assert.equal((await harness.get('/')).text, 'in no language');
  assert.equal(harness.asked.length, 2);
});

test('a page is kept in so many variants at most', async () => {
  await using harness = await Harness.start((request, response) => {
    response
      .writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' })
      .end(request.headers['accept-language']);
  });
  const ask = (language: string) => harness.get('/', { 'Accept-Language': language });
  for (let i = 0; i < 120; i++) await ask(`x-${i}`);
  const asked = harness.asked.length;
  for (let i = 119; i >= 20; i--) assert.equal((await ask(`x-${i}`)).text, `x-${i}`);
  assert.equal(harness.asked.length, asked);
  await ask('x-0');
  assert.equal(harness.asked.length, asked + 1);
});

test('names are compared as origins see them', () => {
  assert.equal(plainName('X_Forwarded_Host'), 'x-forwarded-host');
  assert.equal(tellsOfRequest('x-forwarded-anything'), true);
  assert.equal(tellsOfRequest('x-real-ip'), true);
  assert.equal(tellsOfRequest('x-forwarder'), false);
  assert.equal(isPassedOn('X-Forwarded-Port'), true);
  assert.equal(isPassedOn('X_Forwarded_Port'), false);
  assert.equal(isPassedOn('X-Forwarded-Host'), false);
  assert.deepEqual(forwardedNodes('for=192.0.2.1;host=a, host=b, For="[::1]:80";by=x'), [
    '192.0.2.1',
    '[::1]:80',
  ]);
  assert.deepEqual(forwardedNodes('for=192.0.2.1, for="a'), []);
  assert.deepEqual(forwardedNodes(undefined), []);
});
