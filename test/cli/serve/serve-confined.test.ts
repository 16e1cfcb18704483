import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { workerFiles } from '../../../src/cli/serve/worker-files.ts';
import { landlockVersion } from '../../../src/os/confine/landlock.ts';
import { Folder } from '../../support/folder.ts';
import { get, Served } from '../support/server.ts';

const BUILT = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const skip = landlockVersion() === 0 ? 'the kernel has no Landlock' : false;

/** A site whose worker has to list a directory that is not the one it was started for. */
async function listExchanged(args: readonly string[]): Promise<{ status: number; confined: boolean }> {
  using folder = new Folder();
  for (const name of ['site', 'next']) {
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(`${name}/page.html`), name);
  }
  const all = [folder.file('site'), '--workers', '1', '--listing', ...args];
  await using served = await Served.startBuilt(BUILT, all);
  assert.equal((await get(served.port, '/')).status, 200);
  assert.equal((await get(served.port, '/page.html')).body.toString(), 'site');
  renameSync(folder.file('site'), folder.file('before'));
  renameSync(folder.file('next'), folder.file('site'));
  const [worker] = await served.workers();
  const confined = /^NoNewPrivs:\t1$/m.test(readFileSync(`/proc/${worker}/status`, 'utf8'));
  return { status: (await get(served.port, '/')).status, confined };
}

test('workers open only what they serve, from before their first line', { skip }, async () => {
  assert.deepEqual(await listExchanged([]), { status: 403, confined: true });
});

test('--no-confine lets them open all', async () => {
  assert.deepEqual(await listExchanged(['--no-confine']), { status: 200, confined: false });
});

test('where modules of others are loaded, or links lead anywhere, nobody is confined', () => {
  const places = { roots: ['/site'], followsLinks: false };
  const before = process.env.NODE_OPTIONS;
  const execArgv = process.execArgv.splice(0);
  try {
    delete process.env.NODE_OPTIONS;
    const files = workerFiles({ ...places, log: { file: '/logs/access.log' } });
    assert.ok(files?.read.includes('/site') && files.write.includes('/logs'));
    assert.equal(workerFiles({ ...places, followsLinks: true }), undefined);
    process.env.NODE_OPTIONS = '--max-old-space-size=100 --require agent';
    assert.equal(workerFiles(places), undefined);
    process.env.NODE_OPTIONS = '--max-old-space-size=100';
    assert.ok(workerFiles(places) !== undefined);
  } finally {
    process.execArgv.push(...execArgv);
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  }
});
