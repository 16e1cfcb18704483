import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProxy } from '../../../src/http/proxy/proxy.ts';
import type { ProxyOptions } from '../../../src/http/proxy/proxy-options.ts';
import { Harness } from './support/harness.ts';

const TOKEN = 'a token of many characters';
const ADMITTED = { Authorization: `Bearer ${TOKEN.replaceAll(' ', '-')}` };

async function started(options: Omit<ProxyOptions, 'origin'> = {}): Promise<Harness> {
  const purge = { token: TOKEN.replaceAll(' ', '-') };
  const harness = await Harness.start(
    (request, response) => {
      response.setHeader('Cache-Control', 'max-age=60').setHeader('Cache-Groups', '"g"').end(request.method);
    },
    { purge, ...options },
  );
  for (const path of ['/a', '/b/1', '/b/2']) await harness.get(path);
  return harness;
}

test('PURGE forgets what it names: a target, what begins with it, or groups', async () => {
  for (const [path, headers, count] of [
    ['/a', {}, 1],
    ['/b/*', {}, 2],
    ['/*', { 'Purge-Mode': 'stale' }, 3],
    ['/', { 'Cache-Groups': '"g"' }, 3],
    ['/none', {}, 0],
  ] as const) {
    await using harness = await started();
    const { status, text } = await harness.send({
      method: 'PURGE',
      path,
      headers: { ...ADMITTED, ...headers },
    });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { responses: count });
    assert.equal(harness.asked.length, 3);
  }
});

test('nobody else may, and what is malformed is refused', async () => {
  await using harness = await started();
  for (const [status, headers] of [
    [401, {}],
    [401, { Authorization: 'Bearer another-token-of-many' }],
    [401, { Authorization: `Basic ${TOKEN}` }],
    [400, { ...ADMITTED, 'Purge-Mode': 'soft' }],
    [400, { ...ADMITTED, 'Cache-Groups': 'g' }],
  ] as const) {
    const got = await harness.send({ method: 'PURGE', path: '/a', headers });
    assert.equal(got.status, status, JSON.stringify(headers));
  }
  assert.match(String((await harness.get('/a')).headers['cache-status']), /hit/);
});

test('where it is not asked for, PURGE is for the origin', async () => {
  await using harness = await Harness.start((request, response) => response.end(request.method));
  assert.equal((await harness.send({ method: 'PURGE', headers: ADMITTED })).text, 'PURGE');
});

test('a token that can be guessed is refused', () => {
  for (const purge of [null, 'token', {}, { token: 'short' }])
    assert.throws(() => createProxy({ origin: 'http://127.0.0.1:1', purge } as ProxyOptions), {
      code: 'ERR_IOLITE_ARGUMENT',
    });
});
