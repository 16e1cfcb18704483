import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family } from '../../support/family.ts';
import { type Ask, attached, type Told } from './support/attached.ts';
import { Harness } from './support/harness.ts';

/** Asks until what was given up is asked for anew, or what is kept is held. */
async function askUntil(
  ask: Ask,
  holds: (told: Told) => boolean,
  headers?: Record<string, string>,
): Promise<Told> {
  for (let i = 0; i < 1000; i++) {
    const told = await ask('/', headers);
    if (holds(told)) return told;
  }
  throw new Error('What was waited for did not happen in 1000 requests');
}

test('domains send what is kept from one copy, without asking, until it is no more right', async () => {
  let version = 0;
  await using harness = await Harness.start((request, response) => {
    if (request.method === 'GET') version += 1;
    response.setHeader('Cache-Control', 'max-age=60').end(`version ${version} ${'x'.repeat(10_000)}`);
  });
  await using family = new Family();
  const [one, other] = await Promise.all([attached(family, harness), attached(family, harness)]);
  const first = await one('/');
  assert.equal(first.held, false);
  assert.match(first.text, /^version 1 /);
  const [held, heldToo] = [await askUntil(one, told => told.held), await askUntil(other, told => told.held)];
  assert.equal(held.text, first.text);
  assert.equal(held.chunk, heldToo.chunk);
  assert.equal(harness.asked.length, 1);
  await harness.send({ method: 'POST', body: 'x' });
  await askUntil(one, ({ text }) => text.startsWith('version 2 '));
  await askUntil(other, ({ text }) => text.startsWith('version 2 '));
  assert.equal(harness.asked.length, 3);
});

test('variants are held apart; what is stale is asked for', async () => {
  await using harness = await Harness.start((request, response) => {
    const control = request.url === '/stale' ? 'max-age=0' : 'max-age=60';
    response
      .writeHead(200, { 'Cache-Control': control, Vary: 'Accept-Language', ETag: '"1"' })
      .end(request.headers['accept-language']);
  });
  await using family = new Family();
  const ask = await attached(family, harness);
  for (const language of ['de', 'en', 'de', 'en']) {
    const told = await askUntil(ask, ({ held }) => held, { 'accept-language': language });
    assert.equal(told.text, language);
  }
  assert.equal(harness.asked.length, 2);
  for (let i = 0; i < 3; i++) {
    const told = await ask('/stale', { 'accept-language': 'de' });
    assert.equal(told.held, false);
    assert.equal(told.text, 'de');
  }
});

test('a proxy that closes takes with it what others held of it', async () => {
  await using family = new Family();
  const harness = await Harness.start((_, response) => {
    response.setHeader('Cache-Control', 'max-age=60').end('content');
  });
  const ask = await attached(family, harness);
  await askUntil(ask, ({ held }) => held);
  await harness[Symbol.asyncDispose]();
  const told = await askUntil(ask, ({ held }) => !held);
  assert.equal(told.status, 502);
});
