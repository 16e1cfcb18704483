/**
 * Two machines before one origin, as processes on the loopback: `iolite` in a cluster, against Redis with an
 * lru-cache before it in each process (by TCP, as machines are not one), and nginx with a proxy_cache before
 * another one. Contents that one machine has and the other gets for its client, and what that costs both and
 * what is between them. Purges, from one machine until the other has carried them out. How often the origin
 * is asked for a cold key.
 *
 * BENCH_ONLY, BENCH_ROUNDS: as of files.bench.ts.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterTask } from './cluster-child.ts';
import { KiB, MiB, median, type Result, report } from './harness.ts';
import { freePort, startCachingProxy } from './nginx.ts';
import { cpuMicroseconds, killTree, treeOf } from './process-tree.ts';
import { inTurns, isWanted, middle, versus } from './turns.ts';

const CHILD = fileURLToPath(new URL('cluster-child.js', import.meta.url));
const FILLS = [
  { bytes: KiB, count: 2000 },
  { bytes: 64 * KiB, count: 500 },
  { bytes: MiB, count: 48 },
  { bytes: 32 * MiB, count: 2 },
];
const CONCURRENT_CLIENTS = 8;
const COLD_CLIENTS = 100;
const PURGES = 200;
/** In the place of a number of a turn. */
const WARM_UP = 'warm-up';
const HEADERS = { Host: 'shop.example' };

/** Answers /<bytes>/... with as many bytes, and counts what it is asked. */
const asked = new Map<string, number>();
const origin = createServer(({ url = '' }, response) => {
  asked.set(url, (asked.get(url) ?? 0) + 1);
  const bytes = Number(url.split('/')[1]);
  response
    .setHeader('Cache-Control', 'max-age=3600')
    .setHeader('ETag', `"${bytes}"`)
    .end(Buffer.alloc(bytes, 1));
});
await once(origin.listen(0, '127.0.0.1'), 'listening');
const { port: originPort } = origin.address() as AddressInfo;
const agent = new Agent({ keepAlive: true });

/** Two machines, the first of which gets things from the origin. */
class Pair {
  readonly name: string;
  readonly ports: readonly number[];
  readonly #children: readonly ChildProcess[];
  readonly #servers: readonly ChildProcess[];

  constructor(name: string, ports: readonly number[], children: ChildProcess[], servers: ChildProcess[]) {
    this.name = name;
    this.ports = ports;
    this.#children = children;
    this.#servers = servers;
  }

  static async ofNode(way: 'iolite' | 'redis', folder: string): Promise<Pair> {
    const port = await freePort();
    const server =
      way === 'iolite'
        ? spawn('nats-server', ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', folder], {
            stdio: 'ignore',
          })
        : spawn('redis-server', ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--dir', folder], {
            stdio: 'ignore',
          });
    while (!(await isListening(port))) await setTimeout(20);
    const place = `${way === 'iolite' ? 'nats' : 'redis'}://127.0.0.1:${port}`;
    const children: ChildProcess[] = [];
    const ports: number[] = [];
    for (const machine of ['a', 'b']) {
      const advertise = `http://127.0.0.1:${await freePort()}`;
      const child = fork(CHILD, [way, place, machine, advertise, `http://127.0.0.1:${originPort}`]);
      ports.push(Number((await once(child, 'message'))[0]));
      children.push(child);
    }
    return new Pair(way, ports, children, [server]);
  }

  static async ofNginx(folder: string): Promise<Pair> {
    const kept = { responses: 20_000, bytes: 512 * MiB };
    const back = await startCachingProxy(folder, { ...kept, port: originPort });
    // Its worker, who is nobody, goes through it.
    const inner = join(folder, 'front');
    mkdirSync(inner);
    chmodSync(folder, 0o755);
    const front = await startCachingProxy(inner, { ...kept, port: back.port });
    for (const { port } of [back, front]) while (!(await isListening(port))) await setTimeout(20);
    return new Pair('nginx', [back.port, front.port], [], [back.child, front.child]);
  }

  get pids(): number[] {
    return [...this.#children, ...this.#servers].flatMap(({ pid }) => treeOf(pid as number));
  }

  async do(task: ClusterTask): Promise<number> {
    const [first] = this.#children;
    if (first === undefined) return 1;
    const answer = once(first, 'message');
    first.send(task);
    return Number((await answer)[0]);
  }

  /** Paths that the first machine asks the origin for. */
  async paths(start: string, count: number): Promise<string[]> {
    const paths: string[] = [];
    for (let index = 0; paths.length < count; index++) {
      const path = `${start}/${index}`;
      if ((await this.do({ act: 'owns', path })) === 1) paths.push(path);
    }
    return paths;
  }

  end(): void {
    for (const { pid } of [...this.#children, ...this.#servers]) killTree(pid as number);
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}

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
      for (let path = left.pop(); path !== undefined; path = left.pop()) bytes += await read(port, path);
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
async function comparePurges([ours, redis]: readonly Pair[]): Promise<Result[]> {
  if (!isWanted('purges')) return [];
  const pairs = [ours as Pair, redis as Pair];
  const results: Result[] = [];
  for (const isLoaded of [false, true]) {
    const measured = await inTurns(pairs, async (pair, turn) => {
      const [path = ''] = await pair.paths(`/1024/${pair.name}/purged${turn}`, 1);
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
    for (const figure of ['p50', 'p99'] as const) {
      const [mine = [], peer = []] = measured;
      const name = `purges, ${isLoaded ? 'loaded' : 'idle'}: ${figure}`;
      const both = [middle(mine, figure), middle(peer, figure)] as const;
      results.push(versus(name, both, { unit: 'ms', less: true, peerName: 'redis' }));
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

const folders = ['iolite', 'redis', 'nginx'].map(() => mkdtempSync(join(tmpdir(), 'iolite-bench-')));
const [first = '', second = '', third = ''] = folders;
const pairs: Pair[] = [];
try {
  pairs.push(
    await Pair.ofNode('iolite', first),
    await Pair.ofNode('redis', second),
    await Pair.ofNginx(third),
  );
  report('cluster', [
    ...(await compareFills(pairs)),
    ...(await comparePurges(pairs)),
    ...(await compareCold(pairs)),
  ]);
} finally {
  for (const pair of pairs) pair.end();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  agent.destroy();
  origin.closeAllConnections();
  origin.close();
}
