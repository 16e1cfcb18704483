import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  budgetOf,
  defaultWorkers,
  letHeapGrow,
  workerOptions,
} from '../../../src/cli/serve/serve-defaults.ts';
import { Folder } from '../../support/folder.ts';
import { get, Served } from '../support/server.ts';

const MiB = 1024 ** 2;

test('there is a worker for each processor, as far as memory goes, and at least one', () => {
  assert.equal(defaultWorkers(16 * 1024 * MiB, 8), 8);
  assert.equal(defaultWorkers(256 * MiB, 64), 4);
  assert.equal(defaultWorkers(256 * MiB, 2), 2);
  assert.equal(defaultWorkers(160 * MiB, 2), 2);
  assert.equal(defaultWorkers(64 * MiB, 8), 1);
  assert.equal(defaultWorkers(1, 8), 1);
  assert.ok(defaultWorkers() >= 1);
});

test('the cache has what processes leave of the memory, or what was said', () => {
  const site = { root: '/srv' };
  const inMib = (config: Parameters<typeof budgetOf>[0], workers: number): number =>
    Math.floor(budgetOf(config, workers, 256 * MiB) / MiB);
  // As little as that is a container's, which is there for what is in it.
  assert.equal(inMib(site, 2), 89);
  assert.equal(inMib(site, 4), 44);
  assert.equal(inMib({ ...site, app: { module: 'app.js', workers: 2 } }, 2), 44);
  assert.equal(budgetOf(site, 2, 64 * 1024 * MiB), 1024 * MiB);
  assert.equal(budgetOf({ ...site, budget: 100 }, 2, 256 * MiB), 100 * MiB);
});

test('a worker in a small container has little room for new objects, unless somebody says how much', () => {
  const small = ['--max-semi-space-size=2', '--heap-growing-percent=50'];
  assert.deepEqual(workerOptions(300 * MiB, ['--no-warnings'], ''), [...small, '--no-warnings']);
  assert.deepEqual(workerOptions(300 * MiB, ['-e', 'program'], ''), small);
  assert.deepEqual(workerOptions(1024 * MiB, ['--no-warnings'], ''), ['--no-warnings']);
  const said = ['--max-semi-space-size=8', '--heap-growing-percent=20'];
  assert.deepEqual(workerOptions(300 * MiB, said, ''), said);
  assert.deepEqual(workerOptions(300 * MiB, [], '--max_semi_space_size=8'), small.slice(1));
});

test('so has the primary, whose heap grows as its workers do', () => {
  const set: string[] = [];
  letHeapGrow(300 * MiB, [], flag => set.push(flag));
  letHeapGrow(1024 * MiB, [], flag => set.push(flag));
  letHeapGrow(300 * MiB, ['--heap_growing_percent=20'], flag => set.push(flag));
  assert.deepEqual(set, ['--heap-growing-percent=50']);
});

test('a budget that is more than there is, is told, and does no harm', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('page.txt'), 'right');
  await using served = await Served.start(folder.path, ['--workers', '1', '--budget', '1048576']);
  assert.equal((await get(served.port, '/page.txt')).body.toString(), 'right');
  assert.match(
    served.stderr,
    /^iolite: The budget of 1048576 MiB cannot be met: there are \d+ MiB of memory\./m,
  );
});

test('files and an origin have half of it each', () => {
  const both = { root: '/srv', origin: 'http://127.0.0.1:1' };
  assert.equal(budgetOf(both, 2, 256 * MiB), Math.floor(budgetOf({ root: '/srv' }, 2, 256 * MiB) / 2));
  assert.equal(budgetOf({ ...both, budget: 100 }, 2), 50 * MiB);
  assert.equal(budgetOf({ origin: both.origin, budget: 100 }, 2), 100 * MiB);
});
