import assert from 'node:assert/strict';
import { closeSync, fdatasyncSync, openSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readCached } from '../../src/os/page-cache.ts';
import { get, Served } from '../cli/support/server.ts';
import { Folder } from '../support/folder.ts';
import { fillMarked } from './support/marked-pages.ts';
import { type Found, findPages, framesRefusal } from './support/page-frames.ts';

const APPLICATION = fileURLToPath(new URL('./children/marked-application.ts', import.meta.url));
const PAGES = 256;
/** The kernel does not let go of what somebody else is just at, and that may be a folio of many pages. */
const MOST_STRAY_PAGES = 2;
const MARKED_FILES = 4;
const MOST_DROP_MS = 5000;
const skip = framesRefusal();

/** All processes of a server. */
async function processesOf(served: Served): Promise<number[]> {
  const { processes } = await served.status();
  return processes.map(({ pid }) => pid);
}

/** How many pages of a file the kernel has in its own cache, when it has been told to drop them: soon. */
async function pagesLeftInCache(path: string): Promise<number> {
  const until = performance.now() + MOST_DROP_MS;
  let left = pagesInCache(path);
  while (left > MOST_STRAY_PAGES && performance.now() < until) {
    await setTimeout(100);
    left = pagesInCache(path);
  }
  return left;
}

/**
 * How many pages of a file the kernel has in its own cache. From the last to the first: to ask for one may
 * make the kernel read those behind it.
 */
function pagesInCache(path: string): number {
  const room = Buffer.alloc(4096);
  const fd = openSync(path, 'r');
  let count = 0;
  for (let page = PAGES - 1; page >= 0; page--) count += readCached(fd, room, page * 4096) > 0 ? 1 : 0;
  closeSync(fd);
  return count;
}

/** For each number of copies how many pages have so many. */
function copiesOf(found: readonly Found[]): [copies: number, pages: number][] {
  const counts = new Map<number, number>();
  for (const { frames } of found) counts.set(frames.size, (counts.get(frames.size) ?? 0) + 1);
  return [...counts];
}

/** Writes a file whose pages can be found, to the disk, so that the kernel can give up what it has of it. */
function writeMarked(path: string, seed: number): Buffer {
  const bytes = Buffer.alloc(PAGES * 4096);
  fillMarked(bytes, seed);
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  fdatasyncSync(fd);
  closeSync(fd);
  return bytes;
}

/**
 * Has a server send files, and finds each page of each in one physical page, in so many processes, and soon
 * hardly any in the kernel's own cache: of one of them, for nobody can keep others from being at its pages.
 * @param ask for a file until all that are to send it have
 */
async function assertOneCopy(
  served: Served,
  folder: Folder,
  sharers: number,
  ask: (name: string, bytes: Buffer) => Promise<void>,
): Promise<void> {
  const strays: number[] = [];
  for (let seed = 1; seed <= MARKED_FILES; seed++) {
    const name = `marked-${seed}.bin`;
    await ask(name, writeMarked(folder.file(name), seed));
    const found = findPages(await processesOf(served), seed, PAGES);
    assert.deepEqual(copiesOf(found), [[1, PAGES]]);
    assert.ok(found.every(({ pids }) => pids.size === sharers));
    strays.push(await pagesLeftInCache(folder.file(name)));
    if (strays.at(-1) === 0) break;
  }
  assert.ok(Math.min(...strays) <= MOST_STRAY_PAGES, `${strays} pages are in the cache of the kernel`);
}

test('a file that several workers send is in one physical page each, in all processes', {
  skip,
}, async () => {
  using folder = new Folder();
  await using served = await Served.start(folder.path, ['-w', '2']);
  // The owner of the cache, and both workers.
  await assertOneCopy(served, folder, 3, async (name, bytes) => {
    const workers = new Set<number>();
    while (workers.size < 2) {
      const { body, worker } = await get(served.port, `/${name}`);
      assert.ok(body.equals(bytes));
      workers.add(worker);
    }
  });
});

test('what an application answers is in one physical page each, in all processes', {
  skip,
}, async () => {
  await using served = await Served.startSources(['-w', '1', '--app', APPLICATION]);
  for (let i = 0; i < 3; i++) assert.equal((await get(served.port, `/9/${PAGES}`)).body.length, PAGES * 4096);
  const found = findPages(await processesOf(served), 9, PAGES);
  assert.deepEqual(copiesOf(found), [[1, PAGES]]);
  assert.ok(found.every(({ pids }) => pids.size === 2));
});

test('a file that an application sends is in one physical page each, in all processes', {
  skip,
}, async () => {
  using folder = new Folder();
  await using served = await Served.startSources([folder.path, '-w', '1', '--app', APPLICATION]);
  // The owner of the cache, the worker, and the application.
  await assertOneCopy(served, folder, 3, async (name, bytes) => {
    for (const path of [`/file/${name}`, `/${name}`, `/file/${name}`])
      assert.ok((await get(served.port, path)).body.equals(bytes));
  });
});
