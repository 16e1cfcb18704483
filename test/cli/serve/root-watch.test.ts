import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RootWatch } from '../../../src/cli/serve/root-watch.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, Served } from '../support/server.ts';

const BUILT = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** Two releases, and a link to the first. */
function releases(folder: Folder): string {
  for (const name of ['r1', 'r2']) {
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(`${name}/page.txt`), name);
    writeFileSync(folder.file(`${name}/only-${name}.txt`), name);
  }
  symlinkSync('r1', folder.file('current'));
  return folder.file('current');
}

/** As `ln -sfn` does it. */
function exchange(folder: Folder, target: string): void {
  symlinkSync(target, folder.file('next'));
  renameSync(folder.file('next'), folder.file('current'));
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const waiting = async (): Promise<void> => {
    while (!(await holds())) await new Promise(setImmediate);
  };
  await watchdog(waiting(), what);
}

for (const [how, args] of [
  ['confined workers', []],
  ['workers that are not confined', ['--no-confine']],
] as const) {
  test(`a link that is exchanged is followed without a reload: ${how}`, async () => {
    using folder = new Folder();
    const root = releases(folder);
    await using served = await Served.startBuilt(BUILT, [root, '-w', '2', '--listing', ...args]);
    const seen = async (path: string): Promise<string> => (await get(served.port, path)).body.toString();
    for (let round = 0; round < 5; round++) assert.equal(await seen('/page.txt'), 'r1');
    const before = await served.workers();
    exchange(folder, 'r2');
    await until('the new release', async () => (await seen('/page.txt')) === 'r2');
    rmSync(folder.file('r1'), { recursive: true });
    await until('the new listing', async () => {
      const { status, body } = await get(served.port, '/', { headers: { Accept: 'application/json' } });
      return status === 200 && body.toString().includes('only-r2.txt');
    });
    assert.equal(await seen('/page.txt'), 'r2');
    assert.equal(await seen('/only-r2.txt'), 'r2');
    if (how === 'confined workers') {
      await until('other workers', async () => (await served.workers()).every(pid => !before.includes(pid)));
    }
    assert.equal(served.stderr, '');
  });
}

test('SIGHUP serves what a link leads to then', async () => {
  using folder = new Folder();
  const root = releases(folder);
  await using served = await Served.start(root, ['-w', '1']);
  exchange(folder, 'r2');
  served.process.kill('SIGHUP');
  while (!/^Reloaded$/m.test(served.stdout)) await once(served.process.stdout as never, 'data');
  await until('the new release', async () => (await get(served.port, '/page.txt')).body.toString() === 'r2');
});

test('only what leads elsewhere is told, and what is gone is waited for', async () => {
  using folder = new Folder();
  const root = releases(folder);
  let told: () => void = () => {};
  let count = 0;
  const watch = new RootWatch(() => {
    count += 1;
    told();
  });
  await watch.watch([root]);
  rmSync(root);
  const moved = new Promise<void>(resolve => {
    told = resolve;
  });
  symlinkSync('r2', root);
  // Its timer is no reason for a process to stay.
  const stay = setInterval(() => {}, 1000);
  await watchdog(moved, 'the move');
  clearInterval(stay);
  watch.close();
  assert.equal(count, 1);
});
