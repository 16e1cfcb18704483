import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PhpFpm, withoutPhp } from '../../http/fastcgi/support/php-fpm.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Load } from '../support/load.ts';
import { get, isAlive, Served, untilGone } from '../support/server.ts';

const APPLICATION = fileURLToPath(new URL('../../http/app/children/application.ts', import.meta.url));

/** The process ids of the application, by the status. */
function applications(served: Served): Promise<number[]> {
  return served.pidsOf('application');
}

test('--app answers what no file does; its processes end with the server', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  await using served = await Served.startSources([
    folder.path,
    '-w',
    '2',
    '--app',
    APPLICATION,
    '--app-workers',
    '2',
  ]);
  assert.equal((await get(served.port, '/')).body.toString(), 'home');
  const pids = await applications(served);
  const answered = new Set<number>();
  while (answered.size < 2) answered.add(Number((await get(served.port, '/pid')).body.toString()));
  assert.deepEqual([...answered].sort(), [...pids].sort());
  assert.equal((await get(served.port, '/nothing')).status, 404);
  const { body } = await get(served.port, '/kept');
  assert.equal(body.length, 250_000);
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
  await untilGone(pids);
});

test('killed application processes and workers cost only what they had under way', async () => {
  await using served = await Served.startSources(['-w', '2', '--app', APPLICATION, '--app-workers', '2']);
  let failures = 0;
  await using load = new Load(served.port, '/kept', 8, ({ status, body }) => {
    if (status === 502) failures += 1;
    else assert.ok(status === 200 && body.length === 250_000 && body.toString() === 'kept '.repeat(50_000));
  });
  for (let round = 0; round < 6; round++) {
    await load.more(30);
    const [victim] = await applications(served);
    if (victim === undefined) continue;
    process.kill(victim, 'SIGKILL');
    await untilGone([victim]);
  }
  const before = failures;
  await load.more(100);
  await load.stop();
  assert.ok(before < 6 * 8, `${before} requests failed`);
  const pids = await applications(served);
  assert.equal(pids.filter(isAlive).length, pids.length);
});

/** Answers `/read/<path>` with a file of the cache, and `/asks/<path>` with what the cache's owner says. */
const READER = `
  import { attachFileCache } from '${import.meta.resolve('../../../dist/file/index.js')}';
  import { parentChannel } from '${import.meta.resolve('../../../dist/ipc/index.js')}';
  let attached;
  export default async ({ cache, target }) => {
    const [, what, path] = /^\\/(read|asks)(.*)$/.exec(target) ?? [];
    try {
      if (what === 'read') return { body: await cache.read(path) };
      attached ??= await attachFileCache(parentChannel());
      return { body: await attached.read(decodeURIComponent(path)) };
    } catch ({ code }) {
      return { body: code };
    }
  };
`;

test('each application has the cache of its own site, also beside confined workers', async () => {
  using folder = new Folder();
  const module = folder.file('app.mjs');
  writeFileSync(module, READER);
  for (const name of ['one', 'two', 'ruled']) {
    mkdirSync(folder.file(`${name}/private`), { recursive: true });
    for (const file of ['page', '.env', 'private/page'])
      writeFileSync(folder.file(`${name}/${file}`), `${name} ${file}`);
  }
  writeFileSync(folder.file('one/script.php'), 'secret');
  symlinkSync('script.php', folder.file('one/link'));
  const app = { module };
  const settings = {
    workers: 2,
    root: 'one',
    app,
    rules: [
      { match: '/private/**', origin: 'http://127.0.0.1:9' },
      { match: '/ruled/**', strip: '/ruled', root: 'ruled', app },
      { match: '/scripts/**', app: { fastcgi: '127.0.0.1:9', root: 'one' } },
    ],
    hosts: { 'two.example': { root: 'two', app }, 'none.example': { app } },
  };
  writeFileSync(folder.file('iolite.json'), JSON.stringify(settings));
  await using served = await Served.startWith(['--config', folder.file('iolite.json')]);
  const text = async (path: string, host = 'one.example'): Promise<string> =>
    (await get(served.port, path, { headers: { host } })).body.toString();
  const check = async (): Promise<void> => {
    assert.equal(await text('/read/page'), 'one page');
    assert.equal(await text('/read/private/page'), 'EACCES');
    for (const path of ['script.php', 'link']) assert.equal(await text(`/read/${path}`), 'EACCES', path);
    assert.equal(await text('/read/page', 'two.example'), 'two page');
    assert.equal(await text('/read/private/page', 'two.example'), 'two private/page');
    assert.equal(await text('/read/page', 'none.example'), 'ERR_IOLITE_UNSUPPORTED');
    for (const host of ['one.example', 'two.example']) {
      assert.equal(await text('/read/.env', host), 'EACCES');
      for (const path of ['/etc/passwd', `${folder.path}/ruled/page`, `${folder.path}/two/.env`])
        assert.equal(await text(`/asks${path}`, host), 'EACCES', `${host} ${path}`);
    }
    for (const path of ['two/page', 'one/script.php'])
      assert.equal(await text(`/asks${folder.path}/${path}`), 'EACCES');
    assert.equal(await text(`/asks${folder.path}/two/page`, 'two.example'), 'two page');
    assert.equal(await text('/ruled/read/ruled/page'), 'ENOENT');
    assert.equal(await text('/ruled/read/page'), 'ruled page');
  };
  await check();
  const old = await applications(served);
  assert.equal(old.length, 4);
  for (const pid of old) process.kill(pid, 'SIGKILL');
  await untilGone(old);
  while ((await applications(served)).length < 4 || (await text('/read/page')) !== 'one page');
  while ((await text('/read/page', 'two.example')) !== 'two page');
  while ((await text('/read/page', 'none.example')) !== 'ERR_IOLITE_UNSUPPORTED');
  while ((await text('/ruled/read/page')) !== 'ruled page');
  await check();
  const before = await applications(served);
  served.process.kill('SIGHUP');
  await untilGone(before);
  await check();
});

test('scripts answer behind confined workers, and are never sent', { skip: withoutPhp }, async () => {
  using folder = new Folder();
  mkdirSync(folder.file('site'));
  writeFileSync(folder.file('site/page.html'), 'a page');
  writeFileSync(folder.file('site/index.php'), 'index <?= $_SERVER["REQUEST_URI"] ?>');
  writeFileSync(folder.file('site/send.php'), '<?php header("X-Accel-Redirect: " . $_GET["path"]);');
  writeFileSync(folder.file('site/.env'), 'secret');
  await using php = await PhpFpm.start(folder);
  const app = { fastcgi: php.address };
  const hosts = { 'files.example': { root: 'site' } };
  writeFileSync(folder.file('iolite.json'), JSON.stringify({ workers: 2, root: 'site', app, hosts }));
  await using served = await Served.startWith(['--config', folder.file('iolite.json')]);
  const answer = async (path: string, host = 'one.example'): Promise<[number, string]> => {
    const { status, body } = await get(served.port, path, { headers: { host } });
    return [status, body.toString()];
  };
  for (let i = 0; i < 8; i++) {
    assert.deepEqual(await answer('/?a'), [200, 'index /?a']);
    assert.deepEqual(await answer('/page.html'), [200, 'a page']);
    assert.deepEqual(await answer('/send.php?path=/page.html'), [200, 'a page']);
    assert.equal((await answer('/send.php?path=/.env'))[0], 403);
    assert.equal((await answer('/index.php', 'files.example'))[0], 404);
    assert.equal((await answer('/none.php'))[0], 404);
  }
});

test('SIGHUP replaces the application under load without losing a request', async () => {
  using folder = new Folder();
  const module = folder.file('app.mjs');
  const write = (version: string): void =>
    writeFileSync(module, `export default async () => ({ body: '${version}' });\n`);
  write('one');
  await using served = await Served.startWith(['-w', '1', '--app', module]);
  const old = await applications(served);
  let last = '';
  await using load = new Load(served.port, '/', 8, ({ status, body }) => {
    last = body.toString();
    assert.equal(status, 200);
    assert.ok(last === 'one' || last === 'two');
  });
  await load.more(50);
  write('two');
  served.process.kill('SIGHUP');
  while (last !== 'two') await load.more(10);
  await load.more(50);
  await load.stop();
  await untilGone(old);
});

test('an application that cannot be started ends the start, with the reason', async () => {
  using folder = new Folder();
  const module = folder.file('app.mjs');
  writeFileSync(module, 'export default 7;\n');
  await assert.rejects(Served.startWith(['-w', '1', '--app', module]), {
    message:
      /^iolite ended: iolite: .*does not start\. .*a function or an object with fetch\(\) is wanted.*\n$/,
  });
  writeFileSync(module, "\nthrow new Error('no database');\n");
  await assert.rejects(Served.startWith(['-w', '1', '--app', module]), {
    message: /^iolite ended: iolite: .*does not start\. Cannot run \S*: no database \(app\.mjs:2:7\)\n$/,
  });
});

test('--tls-cert serves HTTPS and HTTP/2', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const { paths, cert: ca } = certificate(folder);
  await using served = await Served.startSources(
    [folder.path, '-w', '1', '--tls-cert', paths.cert, '--tls-key', paths.key, '--app', APPLICATION],
    {},
  );
  const { port } = served;
  const https = requestHttps({
    host: '127.0.0.1',
    servername: 'localhost',
    port,
    path: '/',
    ca,
    agent: false,
  });
  https.end();
  const [response] = await watchdog(once(https, 'response'), 'an answer over HTTPS');
  assert.equal(Buffer.concat(await response.toArray()).toString(), 'home');

  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' });
  try {
    const exchange = async (headers: Record<string, string>, body = ''): Promise<string> => {
      const stream = session.request(headers);
      if (body !== '') stream.end(body);
      return Buffer.concat(await watchdog(stream.toArray(), 'an answer over HTTP/2')).toString();
    };
    assert.equal(await exchange({ ':path': '/' }), 'home');
    assert.equal(await exchange({ ':path': '/echo', ':method': 'POST' }, 'over two'), 'over two');
    served.process.kill('SIGTERM');
    await served.ended();
  } finally {
    session.destroy();
  }
});
