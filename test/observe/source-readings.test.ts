import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPool } from '../../src/aggregate/pool.ts';
import { createFileCache } from '../../src/file/cache/owned-cache.ts';
import { AppGateway } from '../../src/http/app/server-side/app-gateway.ts';
import { AppProcesses } from '../../src/http/app/server-side/app-processes.ts';
import { FastCgiGateway } from '../../src/http/fastcgi/fastcgi-gateway.ts';
import { createServer } from '../../src/http/server/server.ts';
import { connect } from '../../src/ipc/meet/connect.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { ownName } from '../../src/ipc/meet/own-folder.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { Governor } from '../../src/store/governor/governor.ts';
import { Front } from '../http/app/support/front.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { requestFor } from '../http/support/asked.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { Folder } from '../support/folder.ts';
import { dialBoth, frame, HELLO } from '../support/raw-peer.ts';
import { watchdog } from '../support/watchdog.ts';
import { Rise, sumOfMetric } from './support/readings.ts';

const MiB = 1024 ** 2;
const APPLICATION = fileURLToPath(new URL('../http/app/children/application.ts', import.meta.url));

test('who holds memory of a pool is told, and how much of it', async () => {
  using pool = createPool();
  using pair = new ChannelPair();
  const labels = { pid: String(process.pid), uid: String(process.getuid?.()) };
  const [bytes, chunks] = [
    await Rise.of('iolite_pool_holder_bytes', labels),
    await Rise.of('iolite_pool_holder_chunks', labels),
  ];
  const asked = new Promise<void>(resolve =>
    pair.far.onRequest(({ body }) => {
      kept = body;
      resolve();
      return {};
    }),
  );
  let kept = undefined as { release(): void } | undefined;
  using body = pool.from(Buffer.alloc(MiB));
  const earliest = Date.now() / 1000;
  await watchdog(Promise.all([pair.near.request({ body }), asked]), 'the body to be passed');
  const { bytesMapped } = pool.stats();
  assert.deepEqual([await bytes.now(), await chunks.now()], [bytesMapped, 1]);
  const since = await sumOfMetric('iolite_pool_holder_since_seconds', labels);
  assert.ok(since >= earliest - 1 && since <= Date.now() / 1000 + 1, String(since));
  kept?.release();
  pair.near.destroy();
  await bytes.reaches(0);
});

test('memory of pools is told by its state', async () => {
  const live = await Rise.of('iolite_pool_state_bytes', { state: 'live' });
  const used = await Rise.of('iolite_pool_state_bytes', { state: 'used' });
  using pool = createPool({ chunkSize: MiB });
  const some = pool.from(Buffer.alloc(1000));
  assert.deepEqual([await live.now(), await used.now()], [MiB, 1000]);
  some.release();
  assert.equal(await used.now(), 0);
});

test('what a channel has sent ahead is told, in messages and in bytes', async () => {
  using pool = createPool();
  using pair = new ChannelPair();
  await pair.near.ready();
  const messages = await Rise.of('iolite_channel_unconsumed_messages');
  const bytes = await Rise.of('iolite_channel_unconsumed_bytes');
  for (let i = 0; i < 3; i++) {
    using body = pool.from(Buffer.alloc(10_000));
    await pair.near.send({ body });
  }
  assert.deepEqual([await messages.now(), await bytes.now()], [3, 30_000]);
  const inbox = pair.far[Symbol.asyncIterator]();
  for (let i = 0; i < 3; i++) (await inbox.next()).value?.body?.release();
  await messages.reaches(0);
  await bytes.reaches(0);
});

test('refusals are counted by their codes: of connections, and of those who break the protocol', async () => {
  const refused = await Rise.of('iolite_channel_refusals_total', { code: 'ERR_IOLITE_ACCESS' });
  const cut = await Rise.of('iolite_channel_refusals_total', { code: 'ERR_IOLITE_PROTOCOL' });
  await using closed = await listen(ownName('closed'), { acl: { uids: [4_000_000] } });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(watchdog(connect(closed.path), 'the refusal'), { code: 'ERR_IOLITE_ACCESS' });
  }
  await using open = await listen(ownName('open'));
  const { peer, descriptors } = dialBoth(open.path);
  peer.write(HELLO, frame(250, []));
  await peer.ended();
  closeDescriptor(descriptors);
  const silent = dialBoth(open.path);
  silent.peer.write(frame(250, []));
  await silent.peer.ended();
  closeDescriptor(silent.descriptors);
  assert.deepEqual([await refused.now(), await cut.now()], [2, 2]);
});

test('an application tells of its requests, how long they took, its queue and its restarts', async () => {
  const of = { application: 'the tested one' };
  await using apps = new AppProcesses({ module: APPLICATION, name: of.application });
  const gateway = new AppGateway({ name: of.application, maxConcurrency: 1 });
  apps.on('serving', address => void gateway.connect(address));
  await watchdog(apps.start(), 'the application');
  await using front = await Front.start(gateway, { hasLane: true });
  const ask = async (path: string, signal?: AbortSignal): Promise<string> =>
    (await fetch(`http://127.0.0.1:${front.port}/${path}`, { signal: signal ?? null })).text();
  for (let i = 0; i < 3; i++) await ask('hello');
  const pid = Number(await ask('pid'));
  assert.equal(await sumOfMetric('iolite_application_requests_total', of), 4);
  assert.equal(await sumOfMetric('iolite_application_seconds', of, 'count'), 4);
  assert.equal(await sumOfMetric('iolite_application_links', of), 1);

  const abandoned = new AbortController();
  const waiting = [ask('hang', abandoned.signal), ask('hang', abandoned.signal)];
  await (await Rise.of('iolite_application_queue', of)).reaches(1);
  assert.equal(await sumOfMetric('iolite_application_requests', of), 1);
  abandoned.abort();
  await Promise.allSettled(waiting);
  while ((await sumOfMetric('iolite_application_queue', of)) !== 0) await setImmediate();

  const served = once(apps, 'serving');
  process.kill(pid, 'SIGKILL');
  await watchdog(served, 'another process');
  assert.equal(await sumOfMetric('iolite_application_restarts_total', of), 1);
  gateway.close();
  assert.equal(await sumOfMetric('iolite_application_requests_total', of), 6, 'what was counted stays');
  assert.equal(await sumOfMetric('iolite_application_links', of), 0);
});

test('a FastCGI responder is an application by its address', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.php'), '');
  const of = { application: `unix:${folder.file('nobody')}` };
  using gateway = new FastCgiGateway({ root: folder.path, fastcgi: of.application });
  const answered = new Promise(answer => {
    gateway.answer(requestFor('/index.php'), { answered: answer, declined: answer, failed: answer } as never);
  });
  assert.equal(((await watchdog(answered, 'an answer')) as { status: number }).status, 502);
  assert.equal(await sumOfMetric('iolite_application_requests_total', of), 1);
  assert.equal(await sumOfMetric('iolite_application_seconds', of, 'count'), 1);
});

test('answers of a proxy are counted by how they came about', async () => {
  let age = 60;
  await using harness = await Harness.start((request, response) => {
    if (request.headers['if-none-match'] === '"1"') {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('Cache-Control', `max-age=${age}`).setHeader('ETag', '"1"').end('content');
  });
  const count = (status: string): Promise<Rise> =>
    Rise.of('iolite_proxy_answers_total', { cache_status: status });
  const statuses = ['miss', 'hit', 'bypass', 'revalidated', 'failed'] as const;
  const rises = await Promise.all(statuses.map(count));
  const counted = async (): Promise<number[]> => Promise.all(rises.map(rise => rise.now()));
  await harness.get('/');
  assert.deepEqual(await counted(), [1, 0, 0, 0, 0]);
  await harness.get('/');
  await harness.get('/');
  assert.deepEqual(await counted(), [1, 2, 0, 0, 0]);
  await harness.send({ method: 'POST', path: '/other' });
  assert.deepEqual(await counted(), [1, 2, 1, 0, 0]);
  age = 0;
  await harness.get('/stale');
  await harness.get('/stale');
  assert.deepEqual(await counted(), [2, 2, 1, 1, 0]);
  await harness.get('/none', { 'Cache-Control': 'only-if-cached' });
  assert.deepEqual(await counted(), [2, 2, 1, 1, 1]);
});

test('what is given up as not right any more is counted, by what told so', async () => {
  using folder = new Folder();
  const file = folder.file('file');
  writeFileSync(file, 'before');
  using cache = createFileCache({ budget: 8 * MiB });
  const by = (what: string): Promise<Rise> => Rise.of('iolite_cache_invalidations_total', { by: what });
  const [call, change, method] = [await by('call'), await by('change'), await by('method')];
  (await cache.read(file)).release();
  cache.invalidate(file);
  cache.invalidate(file);
  assert.equal(await call.now(), 1, 'there was nothing the second time');
  (await cache.read(file)).release();
  writeFileSync(folder.file('next'), 'after');
  renameSync(folder.file('next'), file);
  await change.reaches(1);

  const token = 'a-token-of-many-characters';
  await using harness = await Harness.start(
    (_, response) => void response.setHeader('Cache-Control', 'max-age=60').end('content'),
    { purge: { token } },
  );
  for (const path of ['/a', '/b/1', '/b/2']) await harness.get(path);
  await harness.send({ method: 'PURGE', path: '/b/*', headers: { Authorization: `Bearer ${token}` } });
  assert.equal(await call.now(), 3);
  await harness.send({ method: 'DELETE', path: '/a' });
  assert.equal(await method.now(), 1);
});

test('connections are counted by who has them', async () => {
  await using server = createServer({ handler: () => ({ status: 200, headers: [], body: undefined }) });
  const lanes = ['lane', 'node'] as const;
  const [lane, node] = await Promise.all(lanes.map(each => Rise.of('iolite_connections', { lane: each })));
  await server.listen(0, '127.0.0.1');
  const sockets = ['X-Unknown: 1\r\n', '', ''].map(field => {
    const socket = connectTcp(server.address()?.port as number, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    return socket;
  });
  await watchdog(Promise.all(sockets.map(socket => once(socket, 'data'))), 'answers');
  const [inLane, byNode] = [await lane?.now(), await node?.now()];
  assert.equal((inLane ?? 0) + (byNode ?? 0), 3);
  for (const socket of sockets) socket.destroy();
  await lane?.reaches(0);
  await node?.reaches(0);
});

test('memory is told against its limit, and caches that had to do with less are counted', async () => {
  const shrinks = await Rise.of('iolite_memory_shrinks_total');
  const reading = { limit: 256 * MiB, used: 100 * MiB, reclaimable: 0, strains: 0, stalled: 0 };
  const governor = new Governor({ gauge: { read: () => reading }, complain: () => {} });
  let allowance = 64 * MiB;
  const governed = {
    budget: 64 * MiB,
    get allowance() {
      return allowance;
    },
    footprint: 64 * MiB,
    leastAllowance: MiB,
    confine: (bytes: number) => {
      allowance = bytes;
    },
  };
  governor.add(governed);
  assert.equal(await shrinks.now(), 0);
  reading.used = 250 * MiB;
  governor.look();
  assert.equal(await shrinks.now(), 1);
  assert.equal(await sumOfMetric('iolite_memory_limit_bytes'), 256 * MiB);
  assert.equal(await sumOfMetric('iolite_memory_used_bytes'), 250 * MiB);
  governor.remove(governed);
});
