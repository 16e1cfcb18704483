import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Folder } from '../support/folder.ts';
import { PublicProgram } from '../support/public-program.ts';
import { watchdog } from '../support/watchdog.ts';
import { Iolite, type IoliteOptions, Served } from './support/server.ts';
import { MAIN } from './support/tools.ts';

/** Runs iolite to its end. */
async function run(args: readonly string[], options: IoliteOptions = {}) {
  await using iolite = new Iolite(args, options);
  const { code } = await iolite.ended();
  return { code, stdout: iolite.stdout, stderr: iolite.stderr };
}

async function fails(
  args: readonly string[],
  code: number,
  message: RegExp,
  options?: IoliteOptions,
): Promise<void> {
  const ended = await run(args, options);
  assert.match(ended.stderr, message);
  assert.equal(ended.stderr.trimEnd().split('\n').length, 1, `one line: ${ended.stderr}`);
  assert.match(ended.stderr, /^iolite: /);
  assert.equal(ended.code, code);
  assert.equal(ended.stdout, '');
}

test('--version and help', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await run(['serve', '--help']);
  assert.equal(help.code, 0);
  for (const option of ['--port', '--host', '--workers', '--budget']) assert.ok(help.stdout.includes(option));
  const none = await run([]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^Usage: iolite/);
});

test('usage errors are one line on stderr and exit code 2', async () => {
  await fails(['serve'], 2, /missing required argument 'dir'/);
  await fails(['serve', '.', 'more'], 2, /too many arguments/);
  await fails(['serve', '.', '--prot', '1'], 2, /unknown option '--prot'; did you mean --port\?$/m);
  await fails(['sevre', '.'], 2, /unknown command 'sevre'; did you mean serve\?$/m);
  await fails(['serve', '.', '--port'], 2, /--port <n>' argument missing/);
  await fails(['serve', '.', '--host', ''], 2, /A name or an address is wanted/);
});

for (const port of ['-1', '65536', '80.5', 'http', '', '0x50', '1e3', ' 80']) {
  test(`--port '${port}' is refused`, async () => {
    await fails(['serve', '.', '--port', port], 2, /--port.*An integer from 0 to 65535 is wanted/);
  });
}

for (const workers of ['0', '-1', '1.5', 'many', '257', '']) {
  test(`--workers '${workers}' is refused`, async () => {
    await fails(['serve', '.', '--workers', workers], 2, /--workers.*An integer from 1 to 256 is wanted/);
  });
}

test('--budget 0 is refused', async () => {
  await fails(['serve', '.', '--budget', '0'], 2, /--budget.*is wanted/);
});

test('a directory that is missing, none, or not readable is refused', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), '');
  await fails(['serve', folder.file('none')], 1, /Cannot serve .*none: there is no such directory/);
  await fails(['serve', folder.file('file')], 1, /Cannot serve .*file: it is not a directory/);
  await fails(['serve', folder.file('file/x')], 1, /Cannot serve .*x: it is not a directory/);
  await fails(['serve', ''], 1, /Cannot serve : there is no such directory/);
  chmodSync(folder.path, 0o000);
  try {
    // Root may read everything.
    using unprivileged = new PublicProgram(MAIN);
    await fails(['serve', folder.path], 1, /there is no permission to read it/, { unprivileged });
  } finally {
    chmodSync(folder.path, 0o700);
  }
});

test('a host that is not ours, or does not resolve, is refused', async () => {
  await fails(
    ['serve', '.', '--host', 'no-such-host.invalid'],
    1,
    /no-such-host.invalid: .* does not resolve/,
  );
  await fails(
    ['serve', '.', '--host', '192.0.2.1', '--port', '0'],
    1,
    /Cannot listen on 192.0.2.1 port 0: it is no address of this machine/,
  );
});

test('a port that is in use is refused, by a plain server or by another iolite', async () => {
  using folder = new Folder();
  const server = createServer().listen(0, '127.0.0.1');
  await watchdog(once(server, 'listening'), 'a server to listen');
  try {
    const { port } = server.address() as { port: number };
    await fails(
      ['serve', folder.path, '--port', String(port)],
      1,
      new RegExp(`Cannot listen on 127.0.0.1 port ${port}: the port is in use`),
    );
  } finally {
    server.close();
  }
  await using served = await Served.start(folder.path, ['-w', '2']);
  await fails(['serve', folder.path, '--port', String(served.port)], 1, /the port is in use/);
});

test('a port without permission is refused', async () => {
  const free = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'));
  // Where every port is free to all there is nothing to refuse.
  if (free <= 1) return;
  using unprivileged = new PublicProgram(MAIN);
  await fails(['serve', '.', '--port', String(free - 1)], 1, /there is no permission to use the port/, {
    unprivileged,
  });
});

test('without --port, 8080 or a free one is taken', async () => {
  using folder = new Folder();
  const blocker = createServer();
  // Whoever has the port then, it is taken.
  const taken = new Promise(resolve => blocker.once('listening', resolve).once('error', resolve));
  blocker.listen(8080, '127.0.0.1');
  try {
    await watchdog(taken, 'port 8080 to be taken');
    await using iolite = new Iolite(['serve', folder.path, '-w', '1']);
    const out = iolite.process.stdout as NodeJS.ReadableStream;
    while (!/ with 1 worker\n/.test(iolite.stdout)) await watchdog(once(out, 'data'), 'output');
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\/ with 1 worker/.exec(iolite.stdout)?.[1]);
    assert.ok(port > 0 && port !== 8080, iolite.stdout);
  } finally {
    blocker.close();
  }
});

test('workers that all fail at start end it with the reason', async () => {
  using folder = new Folder();
  const preload = 'if (process.argv[1].includes("serve-worker")) process.exit(9)';
  const { code, stdout, stderr } = await run(['serve', folder.path, '--port', '0', '-w', '2'], {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` },
  });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^iolite: Cannot serve: no worker starts\. .*exited with code 9/m);
});
