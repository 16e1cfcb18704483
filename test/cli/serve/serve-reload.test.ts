import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Load } from '../support/load.ts';
import { get, Served, SlowDownload, untilGone } from '../support/server.ts';

const LARGE = Buffer.alloc(32 * 1024 ** 2, 'a line that is as long as this one\n');

/** Sends SIGHUP and waits for what comes of it, on stdout or stderr. */
async function reload(served: Served, told: RegExp): Promise<void> {
  const [out, err] = [served.stdout.length, served.stderr.length];
  served.process.kill('SIGHUP');
  const done = async (): Promise<void> => {
    const { stdout, stderr } = served.process;
    while (!told.test(served.stdout.slice(out)) && !told.test(served.stderr.slice(err))) {
      await Promise.race([once(stdout as never, 'data'), once(stderr as never, 'data')]);
    }
  };
  await watchdog(done(), `the reload; stderr: ${served.stderr}`);
}

function write(folder: Folder, name: string, content: unknown): string {
  writeFileSync(folder.file(name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder.file(name);
}

test('SIGHUP reads the file again under load: no request is lost, and new workers answer all', async () => {
  using folder = new Folder();
  write(folder, 'index.html', 'home');
  const config = write(folder, 'config.json', { root: '.', workers: 2, site: { maxAge: 1000 } });
  await using served = await Served.startWith(['--config', config]);
  const first = await served.workers();
  await using load = new Load(served.port, '/', 8, ({ status, body }) => {
    assert.deepEqual([status, body.toString()], [200, 'home']);
  });
  for (const seconds of [2, 3]) {
    await load.more(100);
    write(folder, 'config.json', { root: '.', workers: 2, site: { maxAge: seconds * 1000 } });
    await reload(served, /^Reloaded$/m);
    await load.more(100);
    const { headers } = await get(served.port, '/');
    assert.equal(headers['cache-control'], `public, max-age=${seconds}`);
  }
  await load.stop();
  await untilGone(first);
  assert.equal((await served.workers()).length, 2);
  assert.equal(served.stderr, '');
});

test('SIGHUP lets the old workers finish a slow download', async () => {
  using folder = new Folder();
  write(folder, 'index.html', 'home');
  writeFileSync(folder.file('large.bin'), LARGE);
  await using served = await Served.start(folder.path, ['-w', '1']);
  const old = await served.workers();
  using download = await SlowDownload.start(served.port, '/large.bin');
  await reload(served, /^Reloaded$/m);
  // The old one hears of it by a signal: until then it may get a connection still.
  const asked = async (): Promise<number> => (await get(served.port, '/')).worker;
  const answeredByNew = async (): Promise<void> => {
    while (old.includes(await asked()));
  };
  await watchdog(answeredByNew(), 'an answer of a new worker');
  assert.ok(LARGE.equals(await download.finish()), 'the download is whole');
  await untilGone(old);
});

test('a file that cannot be used leaves everything as it is, and says where it is wrong', async () => {
  using folder = new Folder();
  write(folder, 'index.html', 'home');
  const config = write(folder, 'config.json', { root: '.', workers: 1 });
  await using served = await Served.startWith(['--config', config]);
  const workers = await served.workers();
  write(folder, 'config.json', { root: '.', workers: 1, site: { dotfiles: 'maybe' } });
  await reload(served, /Cannot reload: Cannot use .*config\.json: site\.dotfiles: .*"maybe" was given/);
  for (const wrong of [
    { headers: { 'Referrer Policy': 'x' } },
    { site: { errorPages: { 404: 'none' } } },
    [],
  ]) {
    write(folder, 'config.json', Array.isArray(wrong) ? wrong : { root: '.', workers: 1, ...wrong });
    const lines = served.stderr.split('\n').length;
    await reload(served, /Cannot reload: /);
    assert.equal(served.stderr.split('\n').length, lines + 1, 'one line');
    assert.equal((await get(served.port, '/')).body.toString(), 'home');
  }
  write(folder, 'app.mjs', "throw new Error('no database');");
  write(folder, 'config.json', { root: '.', workers: 1, app: { module: 'app.mjs' } });
  await reload(
    served,
    /^iolite: Cannot reload: the application does not start\. Cannot run .*: no database.*\n$/m,
  );
  assert.equal((await get(served.port, '/')).body.toString(), 'home');
  write(folder, 'config.json', { root: 'gone', workers: 1 });
  await reload(served, /Cannot reload: .*there is no such directory/);
  write(folder, 'config.json', { root: '.', workers: 1, budget: 5 });
  await reload(served, /^Reloaded$/m);
  assert.match(served.stderr, /budget has changed, which takes another start/);
  assert.notDeepEqual(await served.workers(), workers);
});
