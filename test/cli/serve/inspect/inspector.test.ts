import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { MappedFile } from '../../../../src/cli/serve/inspect/inspector-reader.ts';
import type { InspectorStatus } from '../../../../src/cli/serve/inspect/inspector-status.ts';
import type { FilePage } from '../../../../src/file/inspect/cache-inspection.ts';
import { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { get, Iolite, Served } from '../../support/server.ts';

const FREE = '127.0.0.1:0';

/** Where its inspector listens, and the token that it has printed. */
function inspectorOf(served: Served): { port: number; token: string | undefined } {
  const [, port, token] = /^Inspector: http:\/\/[^/]+:(\d+)\/(?:#token=(\S+))?$/m.exec(served.stdout) ?? [];
  return { port: Number(port), token };
}

async function jsonOf<T>(port: number, path: string): Promise<T> {
  const { status, body } = await get(port, path);
  assert.equal(status, 200, path);
  return JSON.parse(body.toString()) as T;
}

/** A look that all workers had a part in: one that takes more than a second to tell is left out. */
async function statusOfAll(port: number, workers: number): Promise<InspectorStatus> {
  const look = async (): Promise<InspectorStatus> => {
    for (;;) {
      const status = await jsonOf<InspectorStatus>(port, '/status.json');
      if (status.processes.filter(({ requests }) => requests !== undefined).length === workers) return status;
    }
  };
  return await watchdog(look(), `${workers} workers that tell`);
}

test('the inspector shows what was served, from which memory, and who maps it', async () => {
  using folder = new Folder();
  for (let i = 0; i < 20; i++) writeFileSync(folder.file(`f${i}.html`), `<p>${i}</p>`.repeat(1000 + i));
  await using served = await Served.start(folder.path, ['-w', '2', '--inspect', FREE, '--metrics', FREE]);
  const { port, token } = inspectorOf(served);
  assert.equal(token, undefined);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 20; i++) assert.equal((await get(served.port, `/f${i}.html`)).status, 200);
  }
  await get(served.port, '/missing');

  const status = await statusOfAll(port, 2);
  const counted = Object.fromEntries(status.requests.map(each => [each.status, each.count]));
  assert.deepEqual(counted, { 200: 60, 404: 1 });
  assert.deepEqual(
    status.processes.map(({ role }) => role),
    ['primary', 'worker', 'worker'],
  );
  assert.ok(status.isReady && status.processes.every(({ pss = 0, rss = 0 }) => pss > 0 && rss > 0));
  const live = status.chunks.rows.reduce((sum, row) => sum + row[3], 0);
  assert.equal(live, status.cache.content);
  assert.ok(status.memory.once >= live && status.memory.copies > 0);
  // Whoever sends from a chunk maps it.
  const workers = await served.workers();
  assert.ok(status.chunks.mappers.flat().every(pid => workers.includes(pid)));
  const states = status.cache.states.reduce((sum, { value }) => sum + value, 0);
  assert.ok(states > 0 && states <= status.cache.budget);

  const page = await jsonOf<FilePage>(port, '/files.json?count=7&order=size&search=F1');
  assert.equal(page.matches, 11);
  assert.deepEqual(
    page.files.map(({ path }) => path),
    [19, 18, 17, 16, 15, 14, 13].map(i => folder.file(`f${i}.html`)),
  );
  const after = encodeURIComponent(JSON.stringify(page.next));
  const rest = await jsonOf<FilePage>(port, `/files.json?count=7&order=size&search=F1&after=${after}`);
  assert.deepEqual([rest.files.length, rest.next], [4, undefined]);

  const path = folder.file('f1.html');
  const file = await jsonOf<MappedFile>(port, `/file.json?path=${encodeURIComponent(path)}`);
  const { headers } = await get(served.port, '/f1.html');
  assert.equal(file.versions[0]?.etag, headers.etag);
  // How often workers use it they tell later.
  assert.ok(file.mappers[0]?.includes(served.pid));
  assert.equal((await get(port, `/file.json?path=${encodeURIComponent(folder.file('none'))}`)).status, 404);
});

test('nothing is changed through it, and neither another name nor another site is let in', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  await using served = await Served.start(folder.path, ['-w', '1', '--inspect', FREE]);
  const { port } = inspectorOf(served);
  const page = await get(port, '/');
  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /^<!doctype html>/);
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
  assert.equal(page.headers['access-control-allow-origin'], undefined);
  for (const [path, type] of [
    ['/inspector.js', 'text/javascript'],
    ['/inspector.css', 'text/css'],
    ['/status.json', 'application/json'],
  ] as const) {
    const { status, headers, body } = await get(port, path, { headers: { Origin: 'http://evil.example' } });
    assert.equal(status, 200, path);
    assert.ok(String(headers['content-type']).startsWith(type) && body.length > 0, path);
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.deepEqual([headers['cache-control'], headers['x-content-type-options']], ['no-store', 'nosniff']);
  }
  for (const path of ['/', '/status.json', '/inspector.js']) {
    const { status } = await get(port, path, { headers: { Host: 'evil.example' } });
    assert.equal(status, 403, path);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await get(port, '/status.json', { method })).status, 405);
  assert.equal((await get(port, '/nothing')).status, 404);
  assert.equal((await get(port, '//evil.example/status.json')).status, 404);
});

test('beyond the loopback a token is wanted: one that was made and said, or one that was given', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const given = 'a-token-of-my-own-1';
  for (const [address, variable] of [
    ['0.0.0.0:0', ''],
    ['0.0.0.0:0', given],
    [FREE, given],
  ] as const) {
    await using served = await Served.start(folder.path, ['-w', '1', '--inspect', address], {
      IOLITE_INSPECT_TOKEN: variable,
    });
    const { port, token } = inspectorOf(served);
    assert.equal(token === undefined, variable !== '', 'what others have given is not said');
    const right = token ?? given;
    for (const [authorization, expected] of [
      [undefined, 401],
      ['Bearer wrong-wrong-wrong-wrong', 401],
      [`Bearer ${right}`, 200],
    ] as const) {
      const headers: Record<string, string> =
        authorization === undefined ? {} : { Authorization: authorization };
      for (const path of ['/status.json', '/files.json'])
        assert.equal((await get(port, path, { headers })).status, expected, `${path} ${authorization}`);
      // Nothing is in it.
      assert.equal((await get(port, '/', { headers })).status, 200);
    }
  }
});

test('an address or a token that is none is said before anything is served', async () => {
  using folder = new Folder();
  for (const [args, env, complaint] of [
    [
      ['--inspect', 'here'],
      {},
      /Cannot show the inspector at here: an address as 127\.0\.0\.1:9465 is wanted/,
    ],
    [['--inspect', FREE], { IOLITE_INSPECT_TOKEN: 'short' }, /IOLITE_INSPECT_TOKEN: 16 letters or digits/],
  ] as const) {
    await using iolite = new Iolite(['serve', folder.path, '--port', '0', ...args], { env });
    assert.equal((await iolite.ended()).code, 1);
    assert.match(iolite.stderr, complaint);
  }
});
