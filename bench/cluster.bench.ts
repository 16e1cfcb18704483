/**
 * Two machines before one origin, as processes on the loopback: `iolite` in a cluster, against Redis, or the
 * object store of NATS, with an lru-cache before it in each process (by TCP, as machines are not one), and
 * nginx with a proxy_cache before another one. Contents that one machine has and the other gets for its
 * client, and what that costs both and what is between them. Purges, from one machine until the other has
 * carried them out; of one path, and of many tags. How often the origin is asked for a cold key. What the
 * machines with their workers take for contents that all of them have been asked for.
 *
 * BENCH_ONLY, BENCH_ROUNDS: as of files.bench.ts.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pair } from './cluster-pair.ts';
import { KiB, MiB, median, type Result, report } from './harness.ts';
import { load } from './load.ts';
import { cpuMicroseconds, memoryBytes } from './process-tree.ts';
import { inTurns, isWanted, middle, versus } from './turns.ts';

const FILLS = [
  { bytes: KiB, count: 6000 },
  { bytes: 64 * KiB, count: 2000 },
  { bytes: MiB, count: 192 },
  { bytes: 32 * MiB, count: 2 },
];
const CONCURRENT_CLIENTS = 8;
const COLD_CLIENTS = 100;
const PURGES = 200;
/** In the place of a number of a turn. */
const WARM_UP = 'warm-up';
const HEADERS = { Host: 'shop.example' };
/** What each machine holds, and its workers. */
const HELD = { bytes: 64 * KiB, count: 4096 };
const WORKERS = 4;
/** How often all of it is asked for by connections that any worker may take, so that each has been asked. */
const HELD_WALKS = 8;
/** Of each tag there are as many entries as the others have. */
const TAGS = { entries: 100_000, tags: 10_000 };

/** Answers /<bytes>/... with as many bytes, .../tagged/<number> with a tag, and counts what it is asked. */
const asked = new Map<string, number>();
const origin = createServer(({ url = '' }, response) => {
  asked.set(url, (asked.get(url) ?? 0) + 1);
  const bytes = Number(url.split('/')[1]);
  const tagged = /\/tagged\/([0-9]+)$/.exec(url)?.[1];
  if (tagged !== undefined) response.setHeader('Cache-Groups', `"t${Number(tagged) % TAGS.tags}"`);
  response
    .setHeader('Cache-Control', 'max-age=3600')
    .setHeader('ETag', `"${bytes}"`)
    .end(Buffer.alloc(bytes, 1));
});
await once(origin.listen(0, '127.0.0.1'), 'listening');
const { port: originPort } = origin.address() as AddressInfo;
const agent = new Agent({ keepAlive: true });

/** @returns the bytes of the body */
async function read(port: number, path: string): Promise<number> {
  const [response] = await once(get({ host: '127.0.0.1', port, path, agent, headers: HEADERS }), 'response');
  let bytes = 0;
  for await (const piece of response) bytes += piece.length;
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  return bytes;
}

async function readAll(port: number, paths: readonly string[]): Promise<number> {
  const left = [...paths];
  let bytes = 0;
  await Promise.all(
    Array.from({ length: CONCURRENT_CLIENTS }, async () => {
      for (let path = left.pop(); path !== undefined; path = left.pop()) {
        const length = await read(port, path);
        bytes += length;
      }
    }),
  );
  return bytes;
}

async function compareFills(pairs: readonly Pair[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const { bytes, count } of FILLS) {
    const name = `fills of ${bytes < MiB ? `${bytes / KiB} KiB` : `${bytes / MiB} MiB`}`;
    if (!isWanted(name)) continue;
    const fill = async (pair: Pair, turn: number | string) => {
      const paths = await pair.paths(`/${bytes}/${pair.name}/${turn}`, count);
      await readAll(pair.ports[0] as number, paths);
      const before = cpuMicroseconds(pair.pids);
      const start = performance.now();
      const read_ = await readAll(pair.ports[1] as number, paths);
      const rate = count / ((performance.now() - start) / 1000);
      return { rate, cpu: (cpuMicroseconds(pair.pids) - before) / 1000 / (read_ / MiB) };
    };
    // What runs for the first time is compiled yet.
    for (const pair of pairs) await fill(pair, WARM_UP);
    const measured = await inTurns(pairs, fill);
    const [ours = [], ...peers] = measured;
    for (const [index, peer] of peers.entries()) {
      const peerName = pairs[index + 1]?.name ?? '';
      const both = (figure: 'rate' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
      results.push(
        versus(name, both('rate'), { unit: '1/s', peerName }),
        versus(`${name}: CPU`, both('cpu'), { unit: 'ms/MiB', less: true, peerName }),
      );
    }
  }
  return results;
}

/** From the order until the other machine has carried it out, and has said so. */
async function comparePurges(pairs: readonly Pair[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const isLoaded of [false, true]) {
    const kind = `purges, ${isLoaded ? 'loaded' : 'idle'}`;
    if (!isWanted(kind)) continue;
    // Who watches the object store is not told of what is deleted and put again at once: he would wait.
    const sides = isLoaded ? pairs.filter(({ name }) => name !== 'objects') : pairs;
    const measured = await inTurns(sides, async (pair, turn) => {
      const [path = ''] = await pair.paths(`/1024/${pair.name}/purged${turn}`, 1);
      // What was never there nobody is told of.
      for (const port of pair.ports) await read(port, path);
      let isOver = false;
      const load = Array.from({ length: isLoaded ? CONCURRENT_CLIENTS : 0 }, async (_, index) => {
        while (!isOver) await read(pair.ports[index % 2] as number, path);
      });
      const times: number[] = [];
      for (let index = 0; index < PURGES; index++) times.push(await pair.do({ act: 'purge', path }));
      isOver = true;
      await Promise.all(load);
      times.sort((one, other) => one - other);
      return { p50: median(times), p99: times[Math.floor(times.length * 0.99)] as number };
    });
    const [mine = [], ...peers] = measured;
    for (const figure of ['p50', 'p99'] as const) {
      const name = `${kind}: ${figure}`;
      for (const [index, peer] of peers.entries()) {
        const both = [middle(mine, figure), middle(peer, figure)] as const;
        results.push(versus(name, both, { unit: 'ms', less: true, peerName: sides[index + 1]?.name ?? '' }));
      }
    }
  }
  return results;
}

async function compareCold(pairs: readonly Pair[]): Promise<Result[]> {
  if (!isWanted('cold')) return [];
  const counts: number[] = [];
  for (const pair of pairs) {
    const path = `/65536/${pair.name}/cold`;
    await Promise.all(
      pair.ports.flatMap(port => Array.from({ length: COLD_CLIENTS }, () => read(port, path))),
    );
    counts.push(asked.get(path) ?? 0);
  }
  const [ours = 0, ...peers] = counts;
  return peers.map((peer, index) =>
    versus('questions to the origin for a cold key', [ours, peer], {
      ...{ unit: '1', less: true },
      peerName: pairs[index + 1]?.name ?? '',
    }),
  );
}

/** Tags that are purged one by one, until the other machine has carried all out. */
async function compareTags(pairs: readonly Pair[]): Promise<Result[]> {
  const [tags, entries] = [TAGS.tags, TAGS.entries].map(count => count.toLocaleString('en'));
  const name = `${tags} tags of ${entries} entries purged`;
  if (!isWanted(name)) return [];
  const rates = await inTurns(
    pairs,
    async (pair, turn) => {
      const paths = Array.from(
        { length: TAGS.entries },
        (_, index) => `/100/${pair.name}/${turn}/tagged/${index}`,
      );
      const list = join(folders[0] as string, 'tagged');
      writeFileSync(list, paths.map(path => `${path}\n`).join(''));
      const [port = 0] = pair.ports;
      const { failed } = await load(port, {
        ...{ list, picks: 'walk', connections: 64, timeoutSeconds: 60 },
        requests: TAGS.entries,
      });
      if (failed > 0) throw new Error(`${pair.name}: ${failed} answers failed`);
      const rate = (1000 * TAGS.tags) / (await pair.do({ act: 'purge tags', count: TAGS.tags }));
      // They are asked for again: an answer that was kept would be no question.
      const before = asked.get(paths[0] as string);
      await read(port, paths[0] as string);
      if (asked.get(paths[0] as string) === before) throw new Error(`${pair.name} has kept what was purged`);
      return { rate };
    },
    1,
  );
  return compared(name, pairs, rates);
}

/** What two machines take for the same contents, which all of their workers have been asked for. */
async function compareMemory(): Promise<Result[]> {
  const name = `memory of 2 machines of ${WORKERS} workers, ${(HELD.bytes * HELD.count) / MiB} MiB`;
  if (!isWanted(name)) return [];
  const budget = 512;
  const machines = { originPort, workers: WORKERS, budget };
  const starts = [
    (folder: string) => Pair.ofServe(folder, machines),
    (folder: string) => Pair.ofNode('redis', folder, machines),
  ];
  const paths = Array.from({ length: HELD.count }, (_, index) => `/${HELD.bytes}/held/${index}`);
  const measured: number[] = [];
  for (const start of starts) {
    const folder = mkdtempSync(join(tmpdir(), 'iolite-bench-'));
    const pair = await start(folder);
    try {
      const before = memoryBytes(pair.pids);
      const list = join(folder, 'held');
      writeFileSync(list, paths.map(path => `${path}\n`).join(''));
      const walks = pair.ports.length > 2 ? 1 : HELD_WALKS;
      for (const port of pair.ports) {
        for (let walk = 0; walk < walks; walk++) {
          // New connections each time, which other workers take.
          const { failed } = await load(port, {
            ...{ list, picks: 'walk', connections: CONCURRENT_CLIENTS, timeoutSeconds: 60 },
            requests: HELD.count,
          });
          if (failed > 0) throw new Error(`${pair.name}: ${failed} answers failed`);
        }
      }
      measured.push((memoryBytes(pair.pids) - before) / MiB);
    } finally {
      pair.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const [ours = 0, peer = 0] = measured;
  return [versus(name, [ours, peer], { unit: 'MiB', less: true, peerName: 'redis' })];
}

function compared(name: string, pairs: readonly Pair[], rates: { rate: number }[][]): Result[] {
  const [ours = [], ...peers] = rates;
  return peers.map((peer, index) =>
    versus(name, [middle(ours, 'rate'), middle(peer, 'rate')], {
      unit: '1/s',
      peerName: pairs[index + 1]?.name ?? '',
    }),
  );
}

const folders = ['iolite', 'redis', 'objects', 'nginx'].map(() =>
  mkdtempSync(join(tmpdir(), 'iolite-bench-')),
);
const [first = '', second = '', third = '', fourth = ''] = folders;
const pairs: Pair[] = [];
try {
  const ours = await Pair.ofNode('iolite', first, { originPort });
  pairs.push(ours);
  const redis = await Pair.ofNode('redis', second, { originPort });
  pairs.push(redis);
  const objects = await Pair.ofNode('objects', third, { originPort });
  pairs.push(objects);
  pairs.push(await Pair.ofNginx(fourth, originPort));
  report('cluster', [
    ...(await compareFills(pairs)),
    ...(await comparePurges([ours, redis, objects])),
    ...(await compareCold(pairs)),
    ...(await compareTags([ours, redis])),
    ...(await compareMemory()),
  ]);
} finally {
  for (const pair of pairs) pair.end();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  agent.destroy();
  origin.closeAllConnections();
  origin.close();
}
