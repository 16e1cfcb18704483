import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALWAYS_REPEATABLE, type Repeatable } from '../../../src/base/repeatable.ts';
import { AttachedFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { attachFastLane, type FastLane } from '../../../src/http/fast-lane/fast-lane.ts';
import type { Handler } from '../../../src/http/message/exchange.ts';
import { Chain } from '../../../src/http/server/chain.ts';
import { MissingFiles } from '../../../src/http/site/missing-files.ts';
import { createSite } from '../../../src/http/site/site.ts';
import type { SiteOptions } from '../../../src/http/site/site-options.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, type Reply } from '../support/site-server.ts';

/** Long ago: it tells the version. */
const THEN_SECONDS = 1_700_000_000;
const HOUR_MS = 3_600_000;

/**
 * A site over an attached cache, or its owner's, behind the fast lane; and the same where each request is
 * asked for.
 */
class Fixture implements AsyncDisposable {
  readonly folder = new Folder();
  readonly owner = createFileCache({ budget: 1 << 26, maxStale: HOUR_MS });
  readonly pair = new ChannelPair();
  readonly attached = new AttachedFileCache();
  readonly cache: FileCache;
  readonly #servers: { close(): void }[] = [];

  private constructor(isOwned: boolean) {
    this.cache = isOwned ? this.owner : this.attached;
  }

  static async start({ isOwned = false } = {}): Promise<Fixture> {
    const fixture = new Fixture(isOwned);
    fixture.owner.serve(fixture.pair.near);
    await fixture.attached.attach(fixture.pair.far);
    return fixture;
  }

  write(name: string, content: string, seconds = THEN_SECONDS): void {
    writeFileSync(this.folder.file(name), content);
    utimesSync(this.folder.file(name), seconds, seconds);
  }

  site(options: SiteOptions = {}): Handler {
    return createSite(this.folder.path, { ...options, cache: this.cache });
  }

  async serve(handler: Handler): Promise<{ readonly lane: FastLane; readonly port: number }> {
    const declined: RequestListener = (_, response) => response.writeHead(418).end();
    const server = createServer(declined);
    const lane = attachFastLane(server, handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const close = (): void => {
      lane.close();
      server.close();
      server.closeAllConnections();
    };
    this.#servers.push({ close });
    return { lane, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.close();
    this.attached.close();
    this.owner.close();
    this.pair[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

const CACHES = [
  ['an attached cache', false],
  ['a cache of its own', true],
] as const;

/** Without what differs from answer to answer. */
function timeless({ status, headers: { date: _, ...headers }, body }: Reply): string {
  const text = JSON.stringify([status, headers, body.toString('latin1')]);
  const boundary = /boundary=([\w-]+)/.exec(text)?.[1];
  return boundary === undefined ? text : text.replaceAll(boundary, 'boundary');
}

for (const [of, isOwned] of CACHES)
  test(`who asks again gets the same as who asks first, whatever is asked for: ${of}`, async () => {
    await using fixture = await Fixture.start({ isOwned });
    fixture.write('a.txt', 'content of a');
    fixture.write('b.html', '<p>b</p>'.repeat(100));
    fixture.write('b.html.gz', 'as if it were compressed');
    fixture.write('index.html', 'index');
    fixture.write('large.bin', 'x'.repeat(200_000));
    fixture.write('empty', '');
    const site = fixture.site();
    const repeating = await fixture.serve(site);
    const asking = await fixture.serve({ answer: (request, recipient) => site.answer(request, recipient) });
    assert.equal(asking.lane.repeated, undefined);
    const target = fc.constantFrom(
      ...[
        '/',
        '/a.txt',
        '/b.html',
        '/b',
        '/a.txt?query',
        '/large.bin',
        '/empty',
        '/none',
        '/%61.txt',
        '/a.txt/',
      ],
    );
    const { headers } = await get(asking.port, '/a.txt');
    const fields = fc.constantFrom<Record<string, string>>(
      {},
      { 'If-None-Match': headers.etag as string },
      { 'If-Modified-Since': headers['last-modified'] as string },
      { 'If-Match': '"other"' },
      { Range: 'bytes=2-4' },
      { Range: 'bytes=0-' },
      { Range: 'bytes=1-2,4-5' },
      { 'Accept-Encoding': 'gzip' },
      { 'Accept-Encoding': 'identity;q=0' },
      { Connection: 'close' },
    );
    const method = fc.constantFrom('GET', 'HEAD');
    await fc.assert(
      fc.asyncProperty(target, fields, method, async (path, said, how) => {
        const first = timeless(await get(asking.port, path, { Connection: 'keep-alive', ...said }, how));
        for (let times = 0; times < 3; times++) {
          const again = await get(repeating.port, path, { Connection: 'keep-alive', ...said }, how);
          assert.equal(timeless(again), first);
        }
      }),
      { numRuns: 150 },
    );
    assert.ok((repeating.lane.repeated?.count ?? 0) > 10, 'some were repeated');
  });

for (const [of, isOwned] of CACHES)
  test(`what is repeated is a hit of the cache, until the file is another or is gone: ${of}`, async () => {
    await using fixture = await Fixture.start({ isOwned });
    fixture.write('a', 'first');
    fixture.write('b', 'constant');
    const { port, lane } = await fixture.serve(fixture.site());
    const ask = async (path = '/a') => {
      const { status, body } = await get(port, path, { Connection: 'keep-alive' });
      return `${status} ${body}`;
    };
    for (let times = 0; times < 4; times++) assert.equal(await ask(), '200 first');
    assert.equal(await ask('/b'), '200 constant');
    const before = fixture.cache.stats().hits;
    for (let times = 0; times < 5; times++) assert.equal(await ask(), '200 first');
    assert.equal(fixture.cache.stats().hits, before + 5);
    assert.ok((lane.repeated?.count ?? 0) > 0);

    fixture.write('a', 'second', THEN_SECONDS + 1);
    fixture.cache.invalidate(fixture.folder.file('a'));
    fixture.owner.invalidate(fixture.folder.file('a'));
    for (let times = 0; times < 4; times++) assert.equal(await ask(), '200 second');

    // As the owner says.
    fixture.write('a', 'third', THEN_SECONDS + 2);
    fixture.owner.invalidate(fixture.folder.file('a'));
    await watchdog(untilSaid(ask, '200 third'), 'word of the change');
    for (let times = 0; times < 4; times++) assert.equal(await ask(), '200 third');

    rmSync(fixture.folder.file('a'));
    fixture.owner.invalidate(fixture.folder.file('a'));
    await watchdog(untilSaid(ask, '404 Not Found'), 'word of the removal');
    assert.equal(await ask('/b'), '200 constant');
  });

async function untilSaid(ask: () => Promise<string>, wanted: string): Promise<void> {
  while (!(await ask()).startsWith(wanted)) await new Promise(setImmediate);
}

test('what a name means for a moment only is looked for again', async () => {
  await using fixture = await Fixture.start();
  fixture.write('page.html', 'by its extension');
  const site = fixture.site({ extensions: ['html'] });
  const { port, lane } = await fixture.serve(site);
  const ask = async (path: string) => (await get(port, path, { Connection: 'keep-alive' })).body.toString();
  for (let times = 0; times < 4; times++) assert.equal(await ask('/page'), 'by its extension');
  assert.equal(lane.repeated?.count, 0);
  for (let times = 0; times < 4; times++) assert.equal(await ask('/page.html'), 'by its extension');
  assert.equal(lane.repeated?.count, 1);
});

test('what is held is repeated when the owner is gone, and another owner is asked', async () => {
  await using fixture = await Fixture.start();
  fixture.write('a', 'first');
  const { port } = await fixture.serve(fixture.site());
  const ask = async () => (await get(port, '/a', { Connection: 'keep-alive' })).body.toString();
  for (let times = 0; times < 3; times++) assert.equal(await ask(), 'first');
  const detached = once(fixture.attached, 'detached');
  fixture.pair.near.destroy();
  await watchdog(detached, 'the end of the owner');
  for (let times = 0; times < 3; times++) assert.equal(await ask(), 'first');

  fixture.write('a', 'second', THEN_SECONDS + 1);
  using other = createFileCache({ budget: 1 << 26, maxStale: 0 });
  using pair = new ChannelPair();
  other.serve(pair.near);
  await fixture.attached.attach(pair.far);
  for (let times = 0; times < 3; times++) assert.equal(await ask(), 'second');
  fixture.cache.close();
  assert.notEqual(await ask(), 'second');
});

test('handlers in front are asked each time, but for those that let answers be repeated', async () => {
  await using fixture = await Fixture.start();
  fixture.write('a', 'content');
  let asked = 0;
  const counting = (letsRepeat?: true, declines?: Repeatable): Handler => ({
    ...(letsRepeat === undefined ? {} : { letsRepeat }),
    answer: (_, recipient) => {
      asked += 1;
      recipient.declined(declines);
      return undefined;
    },
  });
  const times = 6;
  for (const [content, least, most] of [
    [new Chain([counting(), fixture.site({ fallthrough: true })]), times, times],
    [new Chain([counting(true, ALWAYS_REPEATABLE), fixture.site()]), 1, 3],
    [new Chain([counting(true), fixture.site()]), times, times],
    [new Chain([counting(undefined, ALWAYS_REPEATABLE), fixture.site()]), times, times],
    [
      new Chain([
        counting(true, ALWAYS_REPEATABLE),
        new MissingFiles(fixture.site({ fallthrough: true })),
        counting(),
      ]),
      1,
      3,
    ],
    [new Chain([counting(true), counting(), new MissingFiles(fixture.site())]), 2 * times, 2 * times],
  ] as const) {
    const { port } = await fixture.serve(content);
    asked = 0;
    for (let turn = 0; turn < times; turn++) {
      assert.equal((await get(port, '/a', { Connection: 'keep-alive' })).body.toString(), 'content');
    }
    assert.ok(asked >= least && asked <= most, `${asked} of ${times}`);
  }
});
