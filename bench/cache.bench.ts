/**
 * The file cache. A hit in an attached domain against reading the file, and against an lru-cache in the
 * process. The memory of four attached domains that have read a set of files, against four processes with an
 * lru-cache each. Four processes that read at the same time, against four that share an lmdb environment.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { LRUCache } from 'lru-cache';
import { attachFileCache } from '../src/file/cache/attached-cache.ts';
import { createFileCache } from '../src/file/cache/owned-cache.ts';
import { type Forked, fork } from '../src/ipc/meet/fork.ts';
import { readProcessMemory } from '../src/observe/smaps.ts';
import { type Comparison, compare, KiB, MiB, type Result, report } from './harness.ts';

const PROCESSES = 4;
/** Bytes of each file of the set whose memory is measured. */
const SET_FILE_BYTES = 64 * KiB;
const CHILD = new URL('./cache-child.js', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'iolite-bench-cache-'));

/** Files of one size with bytes that differ, changed long ago. */
function makeFiles(name: string, count: number, size: number): string[] {
  mkdirSync(join(folder, name));
  return Array.from({ length: count }, (_, i) => {
    const path = join(folder, name, String(i));
    writeFileSync(path, Buffer.alloc(size, `${name} ${i} `));
    utimesSync(path, 1e9, 1e9);
    return path;
  });
}

const small = makeFiles('small', 256, 16 * KiB);
const large = makeFiles('large', 32, MiB);

// Hits

const owner = await fork(CHILD, ['owner']);
const attached = await attachFileCache(owner.channel);
const lru = new LRUCache<string, Buffer>({ max: 1000, fetchMethod: path => readFile(path) });
for (const path of small) {
  (await attached.read(path)).release();
  await lru.fetch(path);
}

const pathAt = (i: number): string => small[i % small.length] as string;

async function readFiles(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await readFile(pathAt(i));
}

async function readAttached(times: number): Promise<void> {
  for (let i = 0; i < times; i++) (await attached.read(pathAt(i))).release();
}

function peekAttached(times: number): void {
  for (let i = 0; i < times; i++) attached.peek(pathAt(i))?.release();
}

function peekContent(times: number): void {
  for (let i = 0; i < times; i++) {
    const snapshot = attached.peek(pathAt(i));
    if (snapshot?.content?.length !== 16 * KiB) throw new Error('no hit');
    snapshot.release();
  }
}

async function fetchLru(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await lru.fetch(pathAt(i));
}

function getLru(times: number): void {
  for (let i = 0; i < times; i++) if (lru.get(pathAt(i))?.length !== 16 * KiB) throw new Error('no hit');
}

// Four processes

/** All of them do the same work at the same time. */
async function together(children: readonly Forked[], keys: readonly string[], times: number): Promise<void> {
  await Promise.all(children.map(({ channel }) => channel.request({ head: { keys, times } })));
}

function forkAll(...args: string[]): Promise<Forked[]> {
  return Promise.all(Array.from({ length: PROCESSES }, () => fork(CHILD, args)));
}

const cache = createFileCache({ budget: 384 * MiB, maxStale: 60_000 });
const readers = await forkAll('reader');
for (const { channel } of readers) cache.serve(channel);

const database = open<Buffer, string>({ path: join(folder, 'lmdb'), encoding: 'binary', mapSize: 256 * MiB });
for (const path of [...small, ...large]) await database.put(path, await readFile(path));
await database.flushed;
const lmdbReaders = await forkAll('lmdb', join(folder, 'lmdb'));

for (const keys of [small, large])
  for (const children of [readers, lmdbReaders]) await together(children, keys, keys.length);

const comparisons: Comparison[] = [
  {
    name: 'read() of 16 KiB, a hit in an attached domain',
    peerName: 'fs.promises.readFile',
    ours: readAttached,
    peer: readFiles,
    oursTimes: 200_000,
    peerTimes: 2000,
  },
  {
    name: 'read() of 16 KiB, a hit in an attached domain',
    peerName: 'lru-cache fetch',
    ours: readAttached,
    peer: fetchLru,
    oursTimes: 200_000,
    peerTimes: 200_000,
  },
  {
    name: 'peek() of 16 KiB, a hit in an attached domain',
    peerName: 'lru-cache fetch',
    ours: peekAttached,
    peer: fetchLru,
    oursTimes: 200_000,
    peerTimes: 200_000,
  },
  {
    name: 'peek() and its content',
    peerName: 'lru-cache get',
    ours: peekContent,
    peer: getLru,
    oursTimes: 200_000,
    peerTimes: 200_000,
  },
  {
    name: `${PROCESSES} processes read 16 KiB each`,
    peerName: 'lmdb',
    ours: times => together(readers, small, times),
    peer: times => together(lmdbReaders, small, times),
    oursTimes: 20_000,
    peerTimes: 1000,
  },
  {
    name: `${PROCESSES} processes read 1 MiB each`,
    peerName: 'lmdb',
    ours: times => together(readers, large, times),
    peer: times => together(lmdbReaders, large, times),
    oursTimes: 20_000,
    peerTimes: 30,
  },
];
const results = await compare(comparisons);

// Memory

/** Proportional set sizes of processes, added up: of what iolite has mapped, and of all they have. */
async function pssOf(pids: readonly number[]): Promise<{ chunks: number; all: number }> {
  const memories = await Promise.all(pids.map(pid => readProcessMemory(pid)));
  const sum = (of: 'chunkPss' | 'pss'): number =>
    memories.reduce((total, memory) => total + (memory?.[of] ?? 0), 0);
  return { chunks: sum('chunkPss'), all: sum('pss') };
}

/**
 * By how much reading the set makes the processes grow, garbage left out, together, as multiples of the set.
 */
async function growth(
  children: readonly Forked[],
  others: readonly number[],
  set: readonly string[],
): Promise<{ chunks: number; all: number }> {
  const pids = [...others, ...children.map(({ process: { pid } }) => pid as number)];
  await together(children, [], 0);
  const before = await pssOf(pids);
  for (const child of children) await together([child], set, set.length);
  await together(children, [], 0);
  globalThis.gc?.();
  const after = await pssOf(pids);
  const bytes = set.length * SET_FILE_BYTES;
  return { chunks: (after.chunks - before.chunks) / bytes, all: (after.all - before.all) / bytes };
}

async function measureMemory(): Promise<Result[]> {
  const set = makeFiles('set', (256 * MiB) / SET_FILE_BYTES, SET_FILE_BYTES);
  const lruReaders = await forkAll('lru');
  const ours = await growth(readers, [process.pid], set);
  const { all: peer } = await growth(lruReaders, [], set);
  for (const { channel } of lruReaders) await channel.close();
  const line = { peer, peerName: 'an lru-cache in each', unit: 'x set' };
  return [
    {
      ...line,
      name: `memory for 256 MiB that ${PROCESSES} processes read`,
      ours: ours.chunks,
      ratio: peer / ours.chunks,
    },
    { ...line, name: 'with what their heaps grow by', ours: ours.all, ratio: peer / ours.all },
  ];
}

if (!process.env.BENCH_ONLY || process.env.BENCH_ONLY === 'memory') results.push(...(await measureMemory()));
report('cache', results);
for (const { channel } of [owner, ...readers, ...lmdbReaders]) await channel.close();
cache.close();
await database.close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
