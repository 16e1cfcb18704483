import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProxy } from '../../../../src/http/proxy/proxy.ts';
import type { ProxyOptions } from '../../../../src/http/proxy/proxy-options.ts';
import { ToldLog } from '../../../store/support/told-log.ts';
import { Family } from '../../../support/family.ts';
import { attached } from '../support/attached.ts';
import { Harness } from '../support/harness.ts';

/** A proxy with a log, before an origin that has versions with tags. */
async function setUp(options: Partial<ProxyOptions> = {}) {
  const log = new ToldLog();
  log.hear(true);
  const origin = { version: 1, fails: false };
  const harness = await Harness.start(
    (request, response) => {
      const tag = `"${origin.version}"`;
      if (origin.fails) return request.socket.destroy();
      response.setHeader('Cache-Control', 'max-age=3600').setHeader('ETag', tag);
      if (request.headers['if-none-match'] === tag) return response.writeHead(304).end();
      return response.end(`version ${origin.version}`);
    },
    { cluster: { log }, ...options },
  );
  return { log, origin, harness };
}

test('what any machine invalidates is carried out here, and what is invalidated here is told', async () => {
  const { log, origin, harness } = await setUp();
  await using _ = harness;
  await harness.get('/a');
  origin.version = 2;
  assert.equal((await harness.get('/a')).text, 'version 1');
  await log.tell('responses', { urls: ['/a'], mode: 'drop' });
  assert.equal((await harness.get('/a')).text, 'version 2');
  origin.version = 3;
  const { sequence } = await harness.proxy.invalidate({ prefixes: ['/'] });
  assert.equal(sequence, 2);
  assert.equal((await harness.get('/a')).text, 'version 3');
});

test('cut off, nothing is used that the origin has not confirmed for the one who asks', async () => {
  const { log, origin, harness } = await setUp();
  await using _ = harness;
  await harness.get('/a');
  log.hear(false);
  const [one, other] = await Promise.all([harness.get('/a'), harness.get('/a')]);
  for (const { text, headers } of [one, other]) {
    assert.equal(text, 'version 1');
    assert.match(String(headers['cache-status']), /fwd=stale; fwd-status=304/);
  }
  assert.equal(harness.asked.length, 3);
  origin.fails = true;
  assert.equal((await harness.get('/a')).status, 502);
  log.hear(true);
  assert.match(String((await harness.get('/a')).headers['cache-status']), /hit/);
});

test("cut off, it goes on as if nothing were with 'stale', and answers nothing with 'fail'", async () => {
  for (const [onPartition, status, asked] of [
    ['stale', 200, 1],
    ['fail', 504, 1],
  ] as const) {
    const { log, harness } = await setUp({ onPartition });
    await using _ = harness;
    await harness.get('/a');
    log.hear(false);
    assert.equal((await harness.get('/a')).status, status);
    assert.equal(harness.asked.length, asked);
  }
});

test('a log that was lost, or names what nobody knows, makes all stale, and drops nothing', async () => {
  const { log, harness } = await setUp();
  await using _ = harness;
  await Promise.all([harness.get('/a'), harness.get('/b')]);
  await log.lose();
  assert.match(String((await harness.get('/a')).headers['cache-status']), /fwd-status=304/);
  await log.tell('responses', { dates: ['1999'] });
  assert.match(String((await harness.get('/b')).headers['cache-status']), /fwd-status=304/);
  assert.match(String((await harness.get('/a')).headers['cache-status']), /fwd-status=304/);
});

test('an attached domain uses nothing either while its owner is cut off, or is gone', async () => {
  const { log, harness } = await setUp();
  await using _ = harness;
  await using family = new Family();
  const ask = await attached(family, harness);
  const held = async () => {
    for (;;) if ((await ask('/a')).held) return;
  };
  await held();
  log.hear(false);
  for (let told = await ask('/a'); told.held; told = await ask('/a'));
  assert.equal((await ask('/a')).held, false);
  log.hear(true);
  await held();
});

test('what is no cluster and no policy is refused', () => {
  const origin = 'http://127.0.0.1:1';
  for (const options of [{ cluster: {} }, { cluster: 'shop' }, { onPartition: 'hope' }])
    assert.throws(() => createProxy({ origin, ...options } as never), { code: 'ERR_IOLITE_ARGUMENT' });
});
