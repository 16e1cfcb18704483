import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, Iolite, Served } from '../support/server.ts';

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
    [['--log-format', 'json'], /^iolite: Cannot use --log-format: there is no log/],
  ] as const) {
    await using iolite = new Iolite(['serve', folder.path, ...args]);
    assert.equal((await iolite.ended()).code, 1);
    assert.match(iolite.stderr, told);
  }
});
