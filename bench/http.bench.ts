/**
 * Static files: the fast lane against nginx, and against middlewares of Node; serveStatic of iolite in
 * node:http against them too. One process each, wrk with one thread and 16 connections, in rounds in which
 * all take turns. BENCH_ONLY=<text> leaves out the sizes whose names lack it.
 */
import { KiB, median, type Result, report } from './harness.ts';
import { type Peer, Peers, wrk } from './http-peers.ts';

const SIZES = [1, 16, 64, 256, 1024, 10_240].map(kib => kib * KiB);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 1);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const OTHERS = ['sirv', 'serve-static', '@fastify/static'];
const { BENCH_ONLY: only = '' } = process.env;

function nameOf(size: number, close: boolean): string {
  const text = size < KiB ** 2 ? `${size / KiB} KiB` : `${size / KiB ** 2} MiB`;
  return close ? `${text}, a connection each` : text;
}

/** Rates of all servers, by name: medians of rounds. Every second round goes the other way. */
async function measure(servers: readonly Peer[], path: string, close: boolean): Promise<Map<string, number>> {
  const rates = new Map(servers.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? servers : [...servers].reverse();
    for (const server of order) {
      const rate = await wrk(server, path, { seconds: SECONDS, close });
      if (round >= 0) rates.get(server.name)?.push(rate);
    }
  }
  return new Map([...rates].map(([name, all]) => [name, median(all)]));
}

function compared(name: string, rates: ReadonlyMap<string, number>, ours: string, peers: string[]): Result[] {
  return peers.flatMap(peerName => {
    const [our, peer] = [rates.get(ours), rates.get(peerName)];
    if (our === undefined || peer === undefined) return [];
    return [{ name: `${name}: ${ours}`, ours: our, peer, peerName, unit: '1/s', ratio: our / peer }];
  });
}

const MIDDLEWARE = 'serveStatic of iolite';
const results: Result[] = [];
{
  using peers = new Peers(SIZES);
  const all = await Promise.all([
    peers.node('iolite'),
    peers.nginx(),
    peers.node(MIDDLEWARE),
    ...OTHERS.map(name => peers.node(name)),
  ]);
  for (const close of [false, true]) {
    for (const size of SIZES) {
      const name = nameOf(size, close);
      if (!name.includes(only)) continue;
      const rates = await measure(close ? all.slice(0, 2) : all, `/${size}.bin`, close);
      results.push(...compared(name, rates, 'iolite', ['nginx', ...OTHERS]));
      results.push(...compared(name, rates, MIDDLEWARE, OTHERS));
    }
  }
}
report('http', results);
