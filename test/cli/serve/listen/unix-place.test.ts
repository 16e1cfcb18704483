import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { withAbsolutePath } from '../../../../src/cli/serve/listen/unix-place.ts';
import { Folder } from '../../../support/folder.ts';
import { Iolite } from '../../support/server.ts';

function site(): Folder {
  const folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  return folder;
}

/** The body of an answer at a Unix socket. */
async function ask(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const sent = request({ socketPath, path, headers, agent: false }).end();
  const [response] = await once(sent, 'response');
  return (await response.setEncoding('utf8').toArray()).join('');
}

test('paths in settings become absolute, names do not', () => {
  assert.equal(withAbsolutePath('unix:run/a.sock', '/srv'), 'unix:/srv/run/a.sock');
  assert.deepEqual(withAbsolutePath({ path: '@a', mode: '600' }, '/srv'), { path: '@a', mode: '600' });
});

test('Unix sockets are served by all workers, have owner and mode, and go with the server', async () => {
  using folder = site();
  const [path, other, metrics] = ['a.sock', 'b.sock', 'm.sock'].map(name => folder.file(name)) as [
    string,
    string,
    string,
  ];
  const settings = {
    root: '.',
    workers: 2,
    listen: ['unix:a.sock', { path: 'b.sock', mode: '0600', user: process.getuid?.(), group: 'root' }],
    metrics: 'unix:m.sock',
    log: { file: 'log' },
  };
  writeFileSync(folder.file('settings.json'), JSON.stringify(settings));
  const args = ['serve', '--config', folder.file('settings.json')];
  {
    await using iolite = new Iolite(args);
    const [, at] = await iolite.said(/^Serving .* at (.*) with 2 workers$/m);
    assert.equal(at, `unix:${path} and unix:${other}`);
    assert.equal(await ask(path, '/'), 'home');
    assert.equal(await ask(other, '/'), 'home');
    assert.equal(await ask(metrics, '/ready'), 'ready\n');
    assert.deepEqual([statSync(path).mode & 0o777, statSync(other).mode & 0o777], [0o660, 0o600]);
    await using second = new Iolite(args.slice(0, 1).concat(folder.path, '--listen', `unix:${path}`));
    assert.equal((await second.ended()).code, 1);
    assert.match(second.stderr, /^iolite: Cannot listen on unix:.*a\.sock: another listens there/);
    // Whoever takes its place keeps it.
    renameSync(other, folder.file('moved'));
    writeFileSync(other, 'of another');
    iolite.process.kill('SIGTERM');
    assert.deepEqual(await iolite.ended(), { code: 0, signal: null });
    assert.equal(iolite.stderr, '');
  }
  assert.deepEqual([existsSync(path), existsSync(other), existsSync(metrics)], [false, true, false]);
});

test('a socket that a killed server has left is replaced; clients there may be trusted', async () => {
  using folder = site();
  const path = folder.file('a.sock');
  const listen = ['--listen', `unix:${path}`];
  {
    await using killed = new Iolite(['serve', folder.path, '-w', '1', ...listen]);
    await killed.said(/^Serving/m);
    killed.signalGroup('SIGKILL');
    await killed.ended();
  }
  assert.ok(existsSync(path));
  const origin = createServer((asked, response) =>
    response.end(`${asked.headers['x-forwarded-for']} ${asked.headers['x-forwarded-proto']}`),
  ).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo;
  const proxied = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https' };
  for (const [trustForwarded, heard, logged] of [
    [['unix'], '192.0.2.1, unknown https', '192.0.2.1'],
    [['127.0.0.1'], 'unknown http', 'unix:'],
  ] as const) {
    const settings = {
      origin: `http://127.0.0.1:${port}`,
      proxy: { trustForwarded },
      workers: 1,
      log: { file: '-', format: 'json' },
    };
    writeFileSync(folder.file('settings.json'), JSON.stringify(settings));
    await using iolite = new Iolite(['serve', '--config', folder.file('settings.json'), ...listen]);
    await iolite.said(/Serving/);
    assert.equal(await ask(path, '/', proxied), heard);
    const [, address] = await iolite.said(/"remoteAddress":"([^"]*)"/);
    assert.equal(address, logged);
    iolite.process.kill('SIGTERM');
    assert.equal((await iolite.ended()).code, 0);
  }
  origin.close();
});
