import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { readProcessMemory } from '../../../src/observe/smaps.ts';
import { Folder } from '../../support/folder.ts';
import { connectToEach, get, Iolite, Served } from '../support/server.ts';

const KIB = 1024;

/** Bytes that differ from file to file and do not repeat. */
function content(seed: string, size: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 64 < size; i++) blocks.push(createHash('sha512').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, size);
}

/** About 8 MB in files of 0 bytes to 3 MB. @returns their names and the sum of their sizes */
function makeSite(folder: Folder): { names: string[]; bytes: number } {
  const sizes = [0, 1, 63, 64, 65, 4095, 4096, 4097, 10_000, 64 * KIB, 200_000, 256 * KIB, 300_001];
  for (let i = 0; i < 30; i++) sizes.push(500 + i * 1237);
  sizes.push(1024 * KIB - 1, 1024 * KIB, 1500 * KIB, 3072 * KIB);
  mkdirSync(folder.file('deeper'));
  writeFileSync(folder.file('index.html'), '<!doctype html><title>home</title>');
  const names = sizes.map((size, i) => {
    const name = `${i % 3 === 0 ? 'deeper/' : ''}file-${i}.bin`;
    writeFileSync(folder.file(name), content(name, size));
    return name;
  });
  names.push('index.html');
  // Changed long ago, as files of a site are.
  for (const name of names) utimesSync(folder.file(name), 1e9, 1e9);
  return { names, bytes: names.reduce((sum, name) => sum + readFileSync(folder.file(name)).length, 0) };
}

test('serve: four workers serve every file from one copy in memory', async t => {
  using folder = new Folder();
  const { names, bytes } = makeSite(folder);
  await using served = await Served.start(folder.path, ['--workers', '4']);
  const agents = await connectToEach(served.port, 4);
  try {
    assert.deepEqual([...agents.keys()].sort(), (await served.workers()).sort());
    for (const name of names) {
      const expected = readFileSync(folder.file(name));
      // What comes once may be read by the worker itself: what comes again is in the cache, and mapped.
      for (const [worker, agent] of [...agents, ...agents, ...agents]) {
        const answer = await get(served.port, `/${name}`, { agent });
        assert.equal(answer.status, 200);
        assert.equal(answer.worker, worker);
        assert.equal(Number(answer.headers['content-length']), expected.length);
        assert.ok(answer.body.equals(expected), `${name} from worker ${worker}`);
      }
    }
    const memory = await Promise.all([...agents.keys()].map(readProcessMemory));
    const pss = memory.reduce((sum, each) => sum + (each?.chunkPss ?? 0), 0);
    t.diagnostic(`data ${bytes} bytes, sum of the workers' PSS ${pss}: ${(pss / bytes).toFixed(4)}`);
    // One copy at most. Pages only sent by reference no worker has touched: they are in nobody's PSS.
    const isOneCopy = pss <= bytes * 1.05 && pss >= bytes * 0.8;
    assert.ok(isOneCopy, `${pss} bytes of PSS for ${bytes} bytes of data`);
    for (const each of memory) assert.ok((each?.mapped ?? 0) >= bytes);

    const { cache, memory: totals, processes } = await served.status();
    t.diagnostic(JSON.stringify({ cache, totals }));
    assert.equal(cache.entries, names.length);
    assert.equal(cache.content, bytes);
    // What each worker maps of it: all.
    assert.equal(totals.copies, 4 * bytes);
    assert.ok(totals.once >= bytes && totals.once < bytes + 2 * 1024 * KIB);
    assert.deepEqual(
      processes.map(({ role }) => role),
      ['primary', 'worker', 'worker', 'worker', 'worker'],
    );
    for (const { role, requests = 0 } of processes)
      assert.ok(role === 'primary' ? requests === 0 : requests >= names.length);
  } finally {
    for (const agent of agents.values()) agent.destroy();
  }
});

test('serve: what is printed; nothing of ours is among the paths of a site', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  await using served = await Served.start(folder.path, ['-w', '1'], { IOLITE_IDENTIFY_WORKERS: '' });
  const at = `http://127.0.0.1:${served.port}`;
  assert.equal(served.stdout, `Serving ${folder.path} at ${at}/ with 1 worker\n`);
  assert.equal(served.stderr, '');
  const home = await get(served.port, '/');
  assert.equal(home.body.toString(), 'home');
  assert.equal(home.headers['x-iolite-worker'], undefined);

  assert.equal((await get(served.port, '/_iolite')).status, 404);

  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
  assert.equal(served.stderr, '');
});

test('serve says why it cannot where no memory is shared', async () => {
  const noViews = new URL('../../memory/children/no-views.ts', import.meta.url).href;
  const env = { NODE_OPTIONS: `--import ${noViews}` };
  using folder = new Folder();
  await using iolite = new Iolite(['serve', folder.path, '--port', '0'], { env });
  assert.equal((await iolite.ended()).code, 1);
  assert.match(iolite.stderr, /^iolite: Cannot serve: Cannot use shared memory here: External buffers /);
});
