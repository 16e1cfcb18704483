/**
 * Opened files. Ranges of 16 KiB at places by chance, of a file that the kernel has in its page cache:
 * against FileHandle.read into a buffer of one's own, without a cache and through one. Whole files of 1
 * MiB, opened, read and closed, read into a cache, and from it, against readFile. A durable replacement of
 * 1 MiB against doing it by hand: a new file written and synced beside the old one, and renamed to its
 * place; once with the folder synced as well, as `sync()` does and as who wants to find the new version
 * after a crash has to, and once without.
 *
 * BENCH_ONLY=<text> leaves out the rows whose names lack it, BENCH_ROUNDS says how often is measured,
 * BENCH_DIR where the files are (default: the directory for temporary files).
 */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool } from '../src/aggregate/pool.ts';
import { SeededRandom } from '../src/base/seeded-random.ts';
import { createFileCache } from '../src/file/cache/owned-cache.ts';
import { openFile } from '../src/file/open/open-file.ts';
import { atExit } from './cleanup.ts';
import { compare, KiB, MiB, report } from './harness.ts';

const RANGE_BYTES = 16 * KiB;
/** Of the file that ranges are read of: more than a file keeps in memory. */
const LARGE_BYTES = 64 * MiB;
const WHOLE_FILES = 16;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'iolite-bench-files-io-'));
atExit(() => rmSync(folder, { recursive: true, force: true }));

/** A file that was changed long ago, as a cache trusts it. */
function made(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  utimesSync(path, 1e9, 1e9);
  return path;
}

const random = new SeededRandom(16);
const large = made('large', Buffer.alloc(LARGE_BYTES, 'large '));
const wholes = Array.from({ length: WHOLE_FILES }, (_, i) => made(`whole-${i}`, Buffer.alloc(MiB, `${i} `)));

const handle = await open(large);
const file = await openFile(large);
using cache = createFileCache({ budget: 4 * LARGE_BYTES, keepPageCache: true });
(await cache.read(large)).release();
const cached = await openFile(large, 'r', { cache });

function place(): number {
  return Math.floor(random.uniform() * (LARGE_BYTES / RANGE_BYTES)) * RANGE_BYTES;
}

async function readHandle(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await handle.read(Buffer.allocUnsafe(RANGE_BYTES), 0, RANGE_BYTES, place());
}

const readRanges = (opened: typeof file) => async (times: number) => {
  for (let i = 0; i < times; i++) (await opened.read(place(), RANGE_BYTES)).release();
};

async function readWholeFiles(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await readFile(wholes[i % WHOLE_FILES] as string);
}

async function readWholes(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await using whole = await openFile(wholes[i % WHOLE_FILES] as string);
    (await whole.read(0, MiB)).release();
  }
}

async function readIn(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const path = wholes[i % WHOLE_FILES] as string;
    cache.invalidate(path);
    (await cache.read(path)).release();
  }
}

async function readHits(times: number): Promise<void> {
  for (let i = 0; i < times; i++) (await cache.read(wholes[i % WHOLE_FILES] as string)).release();
}

using pool = createPool({ name: 'bench' });
const contents = ['a', 'b'].map(text => pool.from(Buffer.alloc(MiB, text)));
const copies = contents.map(content => content.toBuffer());
const replaced = await openFile(join(folder, 'replaced'), 'w');

async function replace(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await replaced.replace(contents[i % 2] as (typeof contents)[0]);
    await replaced.sync();
  }
}

const byHand = (syncsFolder: boolean) => async (times: number) => {
  const path = join(folder, 'by-hand');
  for (let i = 0; i < times; i++) {
    const next = await open(`${path}.next`, 'w');
    await next.writeFile(copies[i % 2] as Buffer);
    await next.sync();
    await next.close();
    await rename(`${path}.next`, path);
    if (!syncsFolder) continue;
    const parent = await open(folder);
    await parent.sync();
    await parent.close();
  }
};

const results = await compare(
  [
    {
      name: 'range of 16 KiB, no cache',
      ours: readRanges(file),
      oursTimes: 2000,
      peerName: 'FileHandle.read',
      peer: readHandle,
      peerTimes: 2000,
    },
    {
      name: 'range of 16 KiB, through a cache',
      ours: readRanges(cached),
      oursTimes: 20_000,
      peerName: 'FileHandle.read',
      peer: readHandle,
      peerTimes: 2000,
    },
    {
      name: 'whole file of 1 MiB: open, read, close',
      ours: readWholes,
      oursTimes: 64,
      peerName: 'readFile',
      peer: readWholeFiles,
      peerTimes: 64,
    },
    {
      name: 'whole file of 1 MiB, into a cache',
      ours: readIn,
      oursTimes: 64,
      peerName: 'readFile',
      peer: readWholeFiles,
      peerTimes: 64,
    },
    {
      name: 'whole file of 1 MiB, from a cache',
      ours: readHits,
      oursTimes: 20_000,
      peerName: 'readFile',
      peer: readWholeFiles,
      peerTimes: 64,
    },
    {
      name: 'durable replacement of 1 MiB',
      ours: replace,
      oursTimes: 20,
      peerName: 'write, fsync, rename, fsync of the folder',
      peer: byHand(true),
      peerTimes: 20,
    },
    {
      name: 'durable replacement of 1 MiB, the folder left out',
      ours: replace,
      oursTimes: 20,
      peerName: 'write, fsync, rename',
      peer: byHand(false),
      peerTimes: 20,
    },
  ],
  ROUNDS,
);
for (const content of contents) content.release();
await Promise.all([handle.close(), file.close(), cached.close(), replaced.close()]);
report('files-io', results);
