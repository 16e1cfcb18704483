import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { lacks, run } from '../support/clients.ts';
import { Served } from '../support/server.ts';

/** No piece of it is like another. */
function content(bytes: number): Buffer {
  const all = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) all.writeUInt32LE(Math.imul(at, 0x9e3779b1) >>> 0, at);
  return all;
}

/** Passes on a connection to a port, and cuts it after so many bytes of an answer. */
async function cutting(port: number, bytes: number): Promise<{ port: number } & Disposable> {
  const server = createServer(client => {
    const behind = connect(port, '127.0.0.1');
    client.pipe(behind);
    let left = bytes;
    behind.on('data', (piece: Buffer) => {
      if (left > 0) client.write(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) client.end(() => behind.destroy());
    });
    for (const socket of [client, behind]) socket.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => server.close() };
}

test('curl: ranges and resuming, by HTTP/1.1 and HTTP/2 over TLS', { skip: lacks('curl') }, async () => {
  using folder = new Folder();
  using downloads = new Folder();
  using keys = new Folder();
  const { paths } = certificate(keys);
  const bytes = content(3_000_000);
  writeFileSync(folder.file('big.bin'), bytes);
  await using served = await Served.start(folder.path, [
    ...['-w', '1', '--tls-cert', paths.cert, '--tls-key', paths.key],
  ]);
  const { stdout: about } = await run('curl', ['--version'], downloads.path);
  const url = `https://localhost:${served.port}/big.bin`;
  for (const version of about.includes('HTTP2') ? ['1.1', '2'] : ['1.1']) {
    const curl = async (...args: string[]): Promise<string> => {
      const known = ['-sS', '--cacert', paths.cert, `--http${version}`, '-w', '%{http_version} %{http_code}'];
      const resolved = ['--resolve', `localhost:${served.port}:127.0.0.1`];
      const { stdout, stderr } = await run('curl', [...known, ...resolved, ...args, url], downloads.path);
      return stdout + stderr;
    };
    const file = downloads.file('part');
    assert.equal(await curl('-r', '100-199', '-o', file), `${version} 206`);
    assert.ok(readFileSync(file).equals(bytes.subarray(100, 200)));
    assert.equal(await curl('-r', '-10', '-o', file), `${version} 206`);
    assert.ok(readFileSync(file).equals(bytes.subarray(-10)));
    assert.match(await curl('-r', '0-9,20-29', '-D', downloads.file('head'), '-o', file), /206$/);
    assert.match(readFileSync(downloads.file('head'), 'latin1'), /content-type: multipart\/byteranges/i);
    writeFileSync(file, bytes.subarray(0, 1_000_000));
    assert.equal(await curl('-C', '-', '-o', file), `${version} 206`);
    assert.ok(readFileSync(file).equals(bytes));
    assert.match(await curl('-C', '-', '-o', file), /416/);
  }
});

test('wget -c goes on with a download that broke off', { skip: lacks('wget') }, async () => {
  using folder = new Folder();
  using downloads = new Folder();
  const bytes = content(3_000_000);
  writeFileSync(folder.file('big.bin'), bytes);
  await using served = await Served.start(folder.path, ['-w', '1']);
  using middle = await cutting(served.port, 1_000_000);
  const wget = (port: number) =>
    run('wget', ['-c', '-S', '-t', '1', `http://127.0.0.1:${port}/big.bin`], downloads.path);
  assert.notEqual((await wget(middle.port)).code, 0);
  const { size } = statSync(downloads.file('big.bin'));
  assert.ok(size > 500_000 && size < 1_000_000, `${size} bytes`);
  const { code, stderr } = await wget(served.port);
  assert.equal(code, 0);
  assert.match(
    stderr,
    new RegExp(`206 Partial Content[\\s\\S]*Content-Range: bytes ${size}-2999999/3000000`),
  );
  assert.ok(readFileSync(downloads.file('big.bin')).equals(bytes));
});

test('aria2c -x8 has the whole file of parallel ranges', { skip: lacks('aria2c') }, async () => {
  using folder = new Folder();
  using downloads = new Folder();
  const bytes = content(32 * 1024 ** 2);
  writeFileSync(folder.file('big.bin'), bytes);
  const log = downloads.file('access.log');
  await using served = await Served.start(folder.path, ['-w', '2', '--log', log, '--log-format', 'json']);
  const args = ['-x8', '-s8', '-k1M', '--no-conf', '--file-allocation=none'];
  const url = `http://127.0.0.1:${served.port}/big.bin`;
  assert.equal((await run('aria2c', [...args, url], downloads.path)).code, 0);
  assert.ok(readFileSync(downloads.file('big.bin')).equals(bytes));
  served.process.kill('SIGTERM');
  await served.ended();
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const statuses = lines.map(line => JSON.parse(line).status);
  assert.ok(statuses.filter(status => status === 206).length > 1, statuses.join());
});

for (const secure of [false, true])
  test(`a WebSocket through --origin${secure ? ' over TLS' : ''}: text, a megabyte, ping, and the end`, () =>
    talk(secure));

async function talk(secure: boolean): Promise<void> {
  using keys = new Folder();
  const { paths, cert } = certificate(keys);
  const behind = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'chat' });
  await once(behind, 'listening');
  behind.on('connection', (socket, request) => {
    socket.send(String(request.url));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', code => socket.close(code));
  });
  const { port } = behind.address() as AddressInfo;
  const tls = secure ? ['--tls-cert', paths.cert, '--tls-key', paths.key] : [];
  await using served = await Served.startWith(['-w', '1', '--origin', `http://127.0.0.1:${port}`, ...tls]);
  const url = `${secure ? 'wss' : 'ws'}://localhost:${served.port}/room?1`;
  const client = new WebSocket(url, ['chat'], { ca: cert, family: 4 });
  const messages: Buffer[] = [];
  client.on('message', data => messages.push(data as Buffer));
  const next = async (event: string): Promise<unknown[]> => watchdog(once(client, event), event);
  await Promise.all([next('open'), next('message')]);
  assert.equal(String(messages[0]), '/room?1');
  assert.equal(client.protocol, 'chat');
  client.ping();
  await next('pong');
  const bytes = content(2 ** 20);
  client.send(bytes);
  await next('message');
  assert.ok(messages[1]?.equals(bytes));
  client.send('text');
  await next('message');
  assert.equal(String(messages[2]), 'text');
  client.close(4001, 'enough');
  assert.equal((await next('close'))[0], 4001);
  behind.close();
}
