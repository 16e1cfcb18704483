import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Observation } from '../../../../src/cli/serve/observe/observation.ts';
import { get } from '../../../http/support/site-server.ts';
import { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { Iolite, Served, SlowDownload, untilRefused } from '../../support/server.ts';

const PROMTOOL = '/usr/bin/promtool';
function site(): Folder {
  const folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  return folder;
}

const FREE = '127.0.0.1:0';

function metricsPort(served: Served): number {
  return Number(/^Metrics: http:\/\/127\.0\.0\.1:(\d+)\/metrics$/m.exec(served.stdout)?.[1]);
}

async function metricsOf(port: number): Promise<string> {
  const { status, headers, body } = await get(port, '/metrics');
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  return body.toString();
}

/** The sum of the values of a metric with some labels. */
function sumIn(text: string, name: string, ...labels: string[]): number {
  return text
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) && labels.every(label => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('what all processes tell is at an address of its own, for Prometheus', async context => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '2', '--metrics', FREE]);
  const port = metricsPort(served);
  const answers = 200;
  // Of other clients each, so that both workers have some; a query that differs is no repetition.
  for (let i = 0; i < answers; i++) await get(served.port, i % 2 === 0 ? '/' : `/?${i}`);
  await get(served.port, '/missing', { 'X-Unknown': '1' });
  const text = await metricsOf(port);
  assert.equal(sumIn(text, 'iolite_requests_total', 'lane="lane"', 'method="GET"', 'status="200"'), answers);
  assert.equal(sumIn(text, 'iolite_requests_total', 'lane="node"', 'status="404"'), 1);
  assert.equal(sumIn(text, 'iolite_request_duration_seconds_count', 'lane="lane"'), answers);
  assert.equal(sumIn(text, 'iolite_response_body_bytes_total', 'role="worker"') >= answers * 4, true);
  assert.equal(sumIn(text, 'iolite_processes', 'role="worker"'), 2);
  assert.equal(sumIn(text, 'iolite_processes', 'role="primary"'), 1);
  assert.ok(sumIn(text, 'iolite_cache_entries', 'role="primary"') > 0);
  assert.ok(sumIn(text, 'iolite_process_memory_bytes', 'role="worker"') > 1024 ** 2);
  assert.equal((await get(served.port, '/metrics')).status, 404, 'it is not where clients are');
  if (!existsSync(PROMTOOL)) return context.skip('promtool is not installed');
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout + stderr], [0, '']);
});

test('a worker that is killed is missing, and what it had counted is not', async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '1', '--metrics', FREE]);
  const port = metricsPort(served);
  for (let i = 0; i < 3; i++) await get(served.port, `/?${i}`);
  assert.equal(sumIn(await metricsOf(port), 'iolite_requests_total', 'status="200"'), 3);
  const [worker] = (await served.workers()) as [number];
  process.kill(worker, 'SIGKILL');
  const another = async (): Promise<void> => {
    while (sumIn(await metricsOf(port), 'iolite_restarts_total', 'role="primary"') !== 1);
    while (sumIn(await metricsOf(port), 'iolite_processes', 'role="worker"') !== 1);
  };
  await watchdog(another(), 'another worker to tell of itself');
  for (let i = 0; i < 2; i++) await get(served.port, `/?${i}`);
  assert.equal(sumIn(await metricsOf(port), 'iolite_requests_total', 'status="200"'), 5);
});

test('applications and proxies tell of themselves', async context => {
  using folder = site();
  const origin = createServer((_, response) => {
    response.setHeader('Cache-Control', 'max-age=60').end('of the origin');
  });
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  context.after(() => {
    origin.closeAllConnections();
    origin.close();
  });
  writeFileSync(folder.file('app.mjs'), "export default () => ({ body: 'of the application' });");
  const settings = {
    app: { module: 'app.mjs' },
    workers: 1,
    metrics: FREE,
    rules: [{ match: '/origin/*', origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` }],
  };
  writeFileSync(folder.file('settings.json'), JSON.stringify(settings));
  await using served = await Served.startWith(['--config', folder.file('settings.json')]);
  const port = metricsPort(served);
  for (let i = 0; i < 3; i++) await get(served.port, `/asked?${i}`);
  // The second time the proxy has it, from the third on the worker.
  for (let i = 0; i < 5; i++) await get(served.port, '/origin/kept');
  const text = await metricsOf(port);
  const module = `application="${folder.file('app.mjs')}"`;
  assert.equal(sumIn(text, 'iolite_application_requests_total', module), 3);
  assert.equal(sumIn(text, 'iolite_application_seconds_count', module), 3);
  assert.equal(sumIn(text, 'iolite_processes', 'role="application"'), 1);
  assert.ok(sumIn(text, 'iolite_process_memory_bytes', 'role="application"') > 1024 ** 2);
  assert.ok(sumIn(text, 'iolite_pool_buffers_total', 'role="application"') >= 3);
  assert.equal(sumIn(text, 'iolite_proxy_answers_total', 'cache_status="miss"'), 1);
  assert.equal(sumIn(text, 'iolite_proxy_answers_total', 'cache_status="hit"'), 4);
});

test('health and readiness are there, and where clients are if nothing else has these names', async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '1', '--metrics', FREE]);
  for (const port of [served.port, metricsPort(served)]) {
    for (const [path, text] of [
      ['/health', 'healthy\n'],
      ['/ready', 'ready\n'],
    ] as const) {
      const { status, body, headers } = await get(port, path);
      assert.deepEqual([status, body.toString(), headers['cache-control']], [200, text, 'no-store']);
      assert.equal((await get(port, path, {}, 'POST')).status, 405);
    }
  }
  assert.equal((await get(metricsPort(served), '/')).status, 404);
});

test('while an application starts again, and while the server ends, it is not ready', async () => {
  using folder = site();
  writeFileSync(folder.file('large.bin'), Buffer.alloc(32 * 1024 ** 2));
  const go = folder.file('go');
  writeFileSync(go, '');
  const app = folder.file('app.mjs');
  writeFileSync(
    app,
    `import { existsSync } from 'node:fs';
    while (!existsSync(${JSON.stringify(go)})) await new Promise(done => setTimeout(done, 5));
    export default () => new Response('app');`,
  );
  await using served = await Served.start(folder.path, ['-w', '1', '--metrics', FREE, '--app', app]);
  const port = metricsPort(served);
  const isReady = async (): Promise<boolean> => (await get(port, '/ready')).status === 200;
  assert.ok(await isReady());
  rmSync(go);
  const [first] = await served.applications();
  process.kill(first as number, 'SIGKILL');
  const another = async (): Promise<void> => {
    while ((await served.applications()).every(pid => pid === first));
  };
  await watchdog(another(), 'another process of the application');
  assert.equal(await isReady(), false, 'a process that does not listen yet serves nobody');
  writeFileSync(go, '');
  const ready = async (): Promise<void> => {
    while (!(await isReady()));
  };
  await watchdog(ready(), 'the application to be there again');
  using download = await SlowDownload.start(served.port, '/large.bin');
  served.process.kill('SIGTERM');
  await untilRefused(served.port);
  assert.equal(await isReady(), false);
  await download.finish();
  await served.ended();
});

test('a file of such a name is served, unless settings say otherwise', async () => {
  using folder = site();
  writeFileSync(folder.file('ready.html'), 'our own');
  await using served = await Served.start(folder.path, ['-w', '1']);
  assert.equal((await get(served.port, '/ready.html')).body.toString(), 'our own');
  assert.equal((await get(served.port, '/health')).status, 404);
  const config = folder.file('settings.json');
  writeFileSync(config, JSON.stringify({ root: '.', workers: 1, health: true }));
  await using other = await Served.startWith(['--config', config]);
  assert.equal((await get(other.port, '/health')).status, 200);
});

test('an address that cannot be used is said in one line', async () => {
  using folder = site();
  const inUse = new Observation({ metrics: async () => '', isReady: () => false });
  await inUse.listen({ host: '127.0.0.1', port: 0 });
  for (const [address, reason] of [
    ['nowhere', /^iolite: Cannot show metrics at nowhere: an address as \S+:9464 or unix:\S* is wanted\n$/],
    ['127.0.0.1:70000', /an address as /],
    [new URL(inUse.at).host, /^iolite: Cannot show metrics at 127\.0\.0\.1 port \d+: .*EADDRINUSE.*\n$/],
  ] as const) {
    await using iolite = new Iolite(['serve', folder.path, '--port', '0', '--metrics', address]);
    assert.equal((await iolite.ended()).code, 1);
    assert.match(iolite.stderr, reason);
  }
  const port = Number(new URL(inUse.at).port);
  assert.equal((await get(port, '/ready')).status, 503);
  inUse.close();
});

test('a page of another site whose name leads here reads no metrics', async () => {
  for (const [host, hosts] of [
    ['127.0.0.1', ['localhost', '10.1.2.3:9464', '[::1]:9464', 'a.localhost:1']],
    ['localhost', ['LOCALHOST:9464']],
  ] as const) {
    const observation = new Observation({ metrics: async () => 'figures', isReady: () => true });
    await observation.listen({ host, port: 0 });
    const port = Number(new URL(observation.at).port);
    const statusFor = async (name: string, path = '/metrics'): Promise<number | undefined> =>
      (await get(port, path, { Host: name })).status;
    for (const name of hosts) assert.equal(await statusFor(name), 200, name);
    for (const name of ['evil.example', '127.0.0.1.evil.example:9464'])
      assert.equal(await statusFor(name), 403, name);
    // Who asks for these says anything, and they tell nothing.
    assert.equal(await statusFor('evil.example', '/ready'), 200);
    observation.close();
  }
});

test('where others reach it, it goes by any name', async () => {
  const observation = new Observation({ metrics: async () => 'figures', isReady: () => true });
  await observation.listen({ host: '0.0.0.0', port: 0 });
  const port = Number(new URL(observation.at).port);
  assert.equal((await get(port, '/metrics', { Host: 'box.example:9464' })).status, 200);
  observation.close();
});
