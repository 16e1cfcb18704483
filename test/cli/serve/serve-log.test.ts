import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Folder } from '../../support/folder.ts';
import { isRoot, PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { connectToEach, get, Iolite, Served } from '../support/server.ts';

/** The lines of a log, once there are as many as are said. */
async function lines(folder: Folder, name: string, count: number): Promise<string[]> {
  const read = (): string[] => {
    const path = folder.file(name);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  };
  const there = async (): Promise<string[]> => {
    for await (const _ of changes(folder)) if (read().length >= count) return read();
    return read();
  };
  return watchdog(there(), `${count} lines in ${name}`);
}

/** Yields at once, and then whenever something in a folder changes. */
async function* changes(folder: Folder): AsyncGenerator<void> {
  let wake = (): void => {};
  const watcher = watch(folder.path, () => wake());
  try {
    for (;;) {
      const changed = new Promise<void>(resolve => {
        wake = resolve;
      });
      yield;
      await changed;
    }
  } finally {
    watcher.close();
  }
}

test('--log has a line for every answer of all workers; SIGUSR1 opens the file anew', async () => {
  using folder = new Folder();
  using logs = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const log = logs.file('access.log');
  await using served = await Served.start(folder.path, ['-w', '2', '--log', log, '--log-format', 'json']);
  for (let i = 0; i < 20; i++) await get(served.port, `/?${i}`);
  const entries = (await lines(logs, 'access.log', 20)).map(line => JSON.parse(line));
  const targets = entries.map(({ target, status, bytes }) => `${target} ${status} ${bytes}`);
  assert.deepEqual(targets.sort(), Array.from({ length: 20 }, (_, i) => `/?${i} 200 4`).sort());

  renameSync(log, `${log}.1`);
  served.process.kill('SIGUSR1');
  const anew = async (): Promise<void> => {
    for await (const _ of changes(logs)) if (existsSync(log)) return;
  };
  await watchdog(anew(), 'the new file');
  for (let i = 0; i < 20; i++) await get(served.port, `/none?${i}`);
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
  const all = [log, `${log}.1`].flatMap(path => readFileSync(path, 'utf8').split('\n').slice(0, -1));
  assert.equal(all.length, 40);
  assert.match(readFileSync(log, 'utf8'), /none/);
  assert.equal(served.stderr, '');
});

test('the file of settings names a log, and - is standard output', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const config = folder.file('config.json');
  writeFileSync(config, JSON.stringify({ root: '.', workers: 1, log: { file: '-' } }));
  await using served = await Served.startWith(['--config', config]);
  await get(served.port, '/', { headers: { 'User-Agent': 'me' } });
  served.process.kill('SIGTERM');
  await served.ended();
  assert.match(served.stdout, /^127\.0\.0\.1 - - \[.+\] "GET \/ HTTP\/1\.1" 200 4 "-" "me"$/m);
});

test('a log that cannot be written is said', async () => {
  using folder = new Folder();
  for (const [args, told] of [
    [['--log', folder.file('none/access.log')], /^iolite: Cannot log to .*none\/access\.log: /],
    [['--log-format', 'combined'], /^iolite: Cannot use --log-format: there is no log/],
  ] as const) {
    await using iolite = new Iolite(['serve', folder.path, ...args]);
    assert.equal((await iolite.ended()).code, 1);
    assert.match(iolite.stderr, told);
  }
});

/** Waits until it has said something on stderr, or stdout. */
async function said(iolite: Iolite, what: RegExp, where: 'stderr' | 'stdout' = 'stderr'): Promise<void> {
  const heard = async (): Promise<void> => {
    while (!what.test(iolite[where])) await once(iolite.process[where] as NodeJS.ReadableStream, 'data');
  };
  await watchdog(heard(), `${what}; ${where}: ${iolite[where]}`);
}

function built(name: string): string {
  return fileURLToPath(new URL(`../../../dist/cli/${name}`, import.meta.url));
}

/** What the workers count. */
async function unlogged(served: Served): Promise<number> {
  return (await served.status()).logDropped;
}

test('a disk that is full is said once for all workers, and counted', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const log = folder.file('access.log');
  symlinkSync('/dev/full', log);
  await using served = await Served.start(folder.path, [
    '-w',
    '2',
    '--no-confine',
    '--log',
    log,
    '--log-format',
    'json',
  ]);
  const agents = await connectToEach(served.port, 2);
  for (const agent of agents.values()) agent.destroy();
  await said(served, /ENOSPC/);
  for (let i = 0; i < 20; i++) await get(served.port, '/');
  served.process.kill('SIGTERM');
  await served.ended();
  const { level, message, time } = JSON.parse(served.stderr);
  assert.equal(level, 'error');
  assert.equal(message, `Cannot log to ${log}: ENOSPC: no space left on device, write`);
  assert.ok(Date.parse(time) > 0);
});

test('a folder that is gone when the file is to be opened anew is said, and costs no line', async () => {
  using folder = new Folder();
  using logs = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  mkdirSync(logs.file('now'));
  await using served = await Served.start(folder.path, [
    '-w',
    '1',
    '--no-confine',
    '--log',
    logs.file('now/access.log'),
  ]);
  await get(served.port, '/before');
  renameSync(logs.file('now'), logs.file('then'));
  served.process.kill('SIGUSR1');
  await said(
    served,
    /^iolite: Cannot log to .*now\/access\.log: ENOENT: .*; lines go to the file that was open/m,
  );
  await get(served.port, '/while');
  mkdirSync(logs.file('now'));
  served.process.kill('SIGUSR1');
  await get(served.port, '/after');
  await said(served, /^iolite: The log is written again; 0 of its lines were lost$/m);
  assert.equal(await unlogged(served), 0);
  served.process.kill('SIGTERM');
  await served.ended();
  const text = ['then', 'now'].map(name => readFileSync(logs.file(`${name}/access.log`), 'utf8'));
  assert.match(text[0] ?? '', /before/);
  // To the new file, if that is there by the time that it is written.
  assert.match(text.join(''), /while/);
  assert.match(text[1] ?? '', /after/);
});

test('lines that are lost are counted', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const log = folder.file('access.log');
  symlinkSync('/dev/full', log);
  await using served = await Served.start(folder.path, ['-w', '1', '--no-confine', '--log', log]);
  await get(served.port, '/');
  await said(served, /^iolite: Cannot log to .*ENOSPC/m);
  assert.equal(await unlogged(served), 1);
});

test('a log to -, a pipe that another user has made', {
  skip: !isRoot && 'only root can be another',
}, async () => {
  using program = new PublicProgram(built('main.js'), {
    'cli/serve/serve-worker': built('serve/serve-worker.js'),
  });
  using folder = new Folder();
  chmodSync(folder.path, 0o755);
  writeFileSync(folder.file('index.html'), 'home');
  const command =
    'setpriv --reuid 1000 --regid 1000 --clear-groups "$0" "$1" serve "$2" --port 0 -w 1 --no-confine ' +
    '--log - --log-format json | cat';
  const shell = spawn('sh', ['-c', command, process.execPath, program.path, folder.path], {
    detached: true,
    cwd: program.folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: shell.stdout as Readable })[Symbol.asyncIterator]();
    const next = async (): Promise<Record<string, unknown>> => {
      const { value } = await watchdog(lines.next(), 'a line');
      return JSON.parse(value);
    };
    const port = Number(/:(\d+)\/ with/.exec(String((await next()).message))?.[1]);
    await get(port, '/who');
    assert.deepEqual([(await next()).target], ['/who']);
  } finally {
    process.kill(-(shell.pid as number), 'SIGKILL');
    await once(shell, 'close');
  }
});

test('with a log in JSON an application that fails is said in JSON', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('app.mjs'), "export default () => { throw new Error('no database'); };\n");
  const app = folder.file('app.mjs');
  const args = ['-w', '1', '--app', app, '--log', folder.file('log'), '--log-format', 'json'];
  await using served = await Served.startWith(args);
  assert.equal((await get(served.port, '/a')).status, 500);
  await said(served, /no database.*\n/);
  for (const line of served.stderr.split('\n').slice(0, -1)) {
    const { message, level } = JSON.parse(line);
    assert.equal(level, 'error');
    assert.match(message, /failed.*\/a|\/a.*failed|at GET \/a: no database/);
  }
});
