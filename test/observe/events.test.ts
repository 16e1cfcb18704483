import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { connect } from '../../src/ipc/meet/connect.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { ownName } from '../../src/ipc/meet/own-folder.ts';
import type { IoliteEvents } from '../../src/observe/events.ts';
import { eventChannel } from '../../src/observe/events.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { Folder } from '../support/folder.ts';

/** What is told of an event while a test runs. */
function heard<N extends keyof IoliteEvents>(context: TestContext, name: N): IoliteEvents[N][] {
  const told: IoliteEvents[N][] = [];
  const listener = (event: unknown): void => void told.push(event as IoliteEvents[N]);
  diagnostics.subscribe(name, listener);
  context.after(() => void diagnostics.unsubscribe(name, listener));
  return told;
}

test('a channel has subscribers only while somebody has subscribed', context => {
  const channel = eventChannel('iolite:log:trouble');
  assert.equal(channel.hasSubscribers, false);
  const told = heard(context, 'iolite:log:trouble');
  assert.equal(channel.hasSubscribers, true);
  channel.publish({ error: undefined, dropped: 1 });
  assert.deepEqual(told, [{ error: undefined, dropped: 1 }]);
});

test('a cache tells what it had not, what came and what left', async context => {
  using folder = new Folder();
  const [misses, fills, evictions] = [
    heard(context, 'iolite:cache:miss'),
    heard(context, 'iolite:cache:fill'),
    heard(context, 'iolite:cache:evict'),
  ];
  const MiB = 1024 ** 2;
  using cache = createFileCache({ budget: 4 * MiB, policy: 'lru' });
  for (let i = 0; i < 12; i++) {
    writeFileSync(folder.file(String(i)), Buffer.alloc(MiB / 2 - 1000 * i));
    (await cache.read(folder.file(String(i)))).release();
  }
  (await cache.read(folder.file('11'))).release();
  assert.deepEqual(misses[0], { key: folder.file('0'), bytes: 0 });
  assert.equal(misses.length, cache.stats().misses);
  assert.deepEqual(fills[1], { key: folder.file('1'), bytes: MiB / 2 - 1000 });
  assert.deepEqual(evictions[0], { key: folder.file('0'), bytes: MiB / 2 });
  assert.equal(evictions.length, cache.stats().evictions);
});

test('channels are told of when they open and close, and refusals', async context => {
  const [opened, closed, refused] = [
    heard(context, 'iolite:channel:open'),
    heard(context, 'iolite:channel:close'),
    heard(context, 'iolite:channel:refused'),
  ];
  using pair = new ChannelPair();
  await Promise.all([pair.near.ready(), pair.far.ready()]);
  assert.equal(opened.length, 2);
  assert.equal(opened[0]?.peer.pid, process.pid);
  await Promise.all([pair.near.close(), pair.far.close()]);
  assert.deepEqual(
    closed.map(({ error }) => error),
    [undefined, undefined],
  );
  await using endpoint = await listen(ownName('closed'), { acl: { uids: [4_000_000] } });
  await assert.rejects(connect(endpoint.path));
  assert.deepEqual(
    refused.map(({ error, peer }) => [error?.code, peer.pid]),
    [['ERR_IOLITE_ACCESS', process.pid]],
  );
});

test('what a proxy asks its origin is told, and may be given another field', async context => {
  const starts = heard(context, 'iolite:proxy:fetch:start');
  const finishes = heard(context, 'iolite:proxy:fetch:finish');
  const add = (event: unknown): void =>
    (event as IoliteEvents['iolite:proxy:fetch:start']).setHeader('X-Added', 'yes');
  diagnostics.subscribe('iolite:proxy:fetch:start', add);
  context.after(() => void diagnostics.unsubscribe('iolite:proxy:fetch:start', add));
  await using harness = await Harness.start((_, response) => void response.writeHead(201).end());
  await harness.get('/path?a');
  assert.equal(harness.asked[0]?.headers['x-added'], 'yes');
  const [{ origin, method, path, status, error, duration } = {} as never] = finishes;
  assert.deepEqual(
    [origin, method, path, status, error],
    [harness.originUrl, 'GET', '/path?a', 201, undefined],
  );
  assert.ok(duration > 0 && starts[0] === finishes[0]);
  await harness.stopOrigin();
  await harness.get('/other');
  assert.equal(finishes.length, 2);
  assert.equal(finishes[1]?.status, undefined);
  assert.ok(finishes[1]?.error instanceof Error);
});
