import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { releaseBody } from '../../../src/http/message/body.ts';
import { AwaitedAnswer, answerOf, handlerOf } from '../../../src/http/message/promised-answer.ts';
import { attachProxy } from '../../../src/http/proxy/attached-proxy.ts';
import { type InvalidateOptions, Invalidation } from '../../../src/http/proxy/invalidation.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Harness } from './support/harness.ts';

/** Paths of what is kept, of those that were asked for before. */
async function keptOf(harness: Harness, paths: readonly string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const path of paths) {
    const { headers } = await harness.get(path, { 'Cache-Control': 'only-if-cached' });
    if (/^iolite; hit/.test(String(headers['cache-status']))) kept.push(path);
  }
  return kept;
}

const PATHS = ['/', '/a', '/a?b', '/blog/one', '/blog/two', `/blog/${'long'.repeat(100)}`, '/varied'];

async function started(): Promise<Harness> {
  const harness = await Harness.start(
    (request, response) => {
      const path = request.url ?? '';
      response.setHeader('Cache-Control', 'max-age=60, stale-if-error=60').setHeader('ETag', '"1"');
      if (path.startsWith('/blog/')) response.setHeader('Cache-Groups', '"blog", "all"');
      if (path === '/a') response.setHeader('Cache-Groups', '"all"').setHeader('Surrogate-Key', 'letters x');
      if (path === '/varied') response.setHeader('Vary', 'Accept').setHeader('Cache-Groups', '"varied"');
      if (request.method === 'POST') response.setHeader('Cache-Group-Invalidation', '"blog"');
      response.end(path);
    },
    { groupFields: ['surrogate-key'] },
  );
  for (const path of PATHS) await harness.get(path);
  return harness;
}

test('what is named is forgotten, and nothing else', async () => {
  const without = (...gone: string[]) => PATHS.filter(path => !gone.includes(path));
  const [, , , one, two, long] = PATHS as [string, string, string, string, string, string];
  const cases: [(url: string) => InvalidateOptions, string[]][] = [
    [url => ({ urls: [`${url}/a`] }), ['/a']],
    [() => ({ urls: ['/a?b'] }), ['/a?b']],
    [url => ({ urls: [url] }), ['/']],
    [url => ({ urls: [`${url.replace('http', 'HTTP')}/varied`] }), ['/varied']],
    [url => ({ urls: [url + long] }), [long]],
    [url => ({ prefixes: [`${url}/blog/`] }), [one, two, long]],
    [() => ({ prefixes: ['/a'] }), ['/a', '/a?b']],
    [() => ({ groups: ['blog'] }), [one, two, long]],
    [() => ({ groups: ['letters', 'none'] }), ['/a']],
    [() => ({ groups: ['varied'] }), ['/varied']],
    [() => ({ urls: ['/'], groups: ['all'] }), ['/', '/a', one, two, long]],
    [() => ({ urls: ['https://elsewhere/a'], prefixes: ['http://elsewhere'] }), []],
    [() => ({}), []],
  ];
  for (const [named, gone] of cases) {
    await using harness = await started();
    assert.deepEqual(await keptOf(harness, PATHS), PATHS);
    const { responses } = await harness.proxy.invalidate(named(harness.url));
    assert.equal(responses, gone.length);
    assert.deepEqual(await keptOf(harness, PATHS), without(...gone), JSON.stringify(named(harness.url)));
  }
});

test('what is made stale is validated, and stands in for an origin that is gone', async () => {
  await using harness = await started();
  const { responses } = await harness.proxy.invalidate({ groups: ['all', 'varied'], mode: 'stale' });
  assert.equal(responses, 5);
  const again = await harness.proxy.invalidate({ groups: ['all', 'varied'], mode: 'stale' });
  assert.equal(again.responses, 0);
  for (const path of ['/a', '/varied']) {
    const { headers } = await harness.get(path);
    assert.match(String(headers['cache-status']), /fwd=stale/);
    assert.equal(harness.asked.at(-1)?.headers['if-none-match'], '"1"');
    assert.match(String((await harness.get(path)).headers['cache-status']), /^iolite; hit/);
  }
  await harness.stopOrigin();
  assert.equal((await harness.get('/blog/one')).text, '/blog/one');
});

test('groups are for those who keep, where they come in fields of others', async () => {
  await using harness = await started();
  const { headers } = await harness.get('/a');
  assert.equal(headers['surrogate-key'], undefined);
  assert.equal(headers['cache-groups'], '"all"');
});

test('a change ends the groups that its response names (RFC 9875)', async () => {
  await using harness = await started();
  await harness.send({ method: 'POST', path: '/other', body: 'x' });
  assert.deepEqual(
    await keptOf(harness, PATHS),
    PATHS.filter(path => !path.startsWith('/blog/')),
  );
});

test('what is under way when it is named is not stored', async () => {
  let finish: (() => void) | undefined;
  await using harness = await Harness.start((_, response) => {
    response.setHeader('Cache-Control', 'max-age=60');
    response.write('first ');
    finish = () => response.end('last');
  });
  const asked = once(harness, 'asked');
  const answer = harness.get('/slow');
  await watchdog(asked, 'the origin to be asked');
  await harness.proxy.invalidate({ prefixes: ['/sl'] });
  finish?.();
  assert.equal((await answer).text, 'first last');
  assert.deepEqual(await keptOf(harness, ['/slow']), []);
});

test('what is asked for by one alone is not stored either when it is named meanwhile', async () => {
  let finish: (() => void) | undefined;
  let isForAll = false;
  await using harness = await Harness.start((_, response) => {
    response.setHeader('Cache-Control', isForAll ? 'max-age=60' : 'private');
    response.flushHeaders();
    finish = () => response.end('old');
    if (!isForAll) finish();
  });
  // From now on nobody waits for what another asks for.
  await harness.get('/slow');
  isForAll = true;
  const asked = once(harness, 'asked');
  const answer = harness.get('/slow');
  await watchdog(asked, 'the origin to be asked');
  await harness.proxy.invalidate({ urls: [`${harness.url}/slow`] });
  finish?.();
  assert.equal((await answer).text, 'old');
  assert.deepEqual(await keptOf(harness, ['/slow']), []);
});

test('when it has resolved no attached domain sends what is named', async () => {
  await using harness = await started();
  using pair = new ChannelPair();
  harness.proxy.serve(pair.far);
  // What it is forwarded is never answered at once, so that what is held is told apart.
  const forward = handlerOf(request => answerOf(harness.proxy, request));
  using attached = await attachProxy(pair.near, forward);
  const request = (target: string) => ({
    method: 'GET',
    target,
    secure: false,
    remoteAddress: '127.0.0.1',
    rawHeaders: [],
    header: (name: string) => (name === 'host' ? new URL(harness.url).host : undefined),
    body: undefined,
  });
  const isHeld = async (path: string): Promise<boolean> => {
    const answering = new AwaitedAnswer().ask(attached, request(path));
    const here = !(answering instanceof Promise);
    releaseBody((await answering)?.body);
    return here;
  };
  const hold = async (path: string): Promise<void> => {
    for (let count = 0; !(await isHeld(path)); count++) {
      assert.ok(count < 1000, 'it is held');
      await setImmediate();
    }
  };
  for (let turn = 0; turn < 20; turn++) {
    await hold('/a');
    await harness.proxy.invalidate({ urls: [`${harness.url}/a`] });
    assert.equal(await isHeld('/a'), false);
  }
});

test('a domain that does not listen is told of by an error', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await using harness = await started();
  using pair = new ChannelPair();
  harness.proxy.serve(pair.far);
  await pair.near.request({ head: { type: 'responses.attach' } });
  // Who holds nothing need not listen.
  await pair.near.request({ head: { type: 'responses.read', key: `${harness.url}/a` } });
  const invalidated = harness.proxy.invalidate({ urls: ['/a'] });
  const refused = assert.rejects(invalidated, { code: 'ERR_IOLITE_BUSY' });
  await setImmediate();
  t.mock.timers.tick(10_000);
  await refused;
});

test('what is named wrongly is refused', async () => {
  await using harness = await Harness.start((_, response) => response.end());
  const wrong: unknown[] = [
    undefined,
    { url: ['/'] },
    { urls: '/' },
    { urls: [''] },
    { urls: ['relative'] },
    { urls: ['ftp://a/'] },
    { urls: ['/a b'] },
    { prefixes: ['a'] },
    { groups: [1] },
    { groups: new Array(10_001).fill('a') },
    { mode: 'soft' },
  ];
  for (const options of wrong) {
    assert.throws(() => new Invalidation(options as InvalidateOptions), { code: 'ERR_IOLITE_ARGUMENT' });
    await assert.rejects(harness.proxy.invalidate(options as InvalidateOptions), {
      code: 'ERR_IOLITE_ARGUMENT',
    });
  }
  await harness.proxy.close();
  await assert.rejects(harness.proxy.invalidate({ urls: ['/'] }), { code: 'ERR_IOLITE_CLOSED' });
});
