/**
 * Responses that a proxy keeps: `iolite serve --origin` with one worker against nginx (proxy_cache, one
 * worker) and Varnish (in memory, on one processor), in front of the same server; wrk with one thread and 64
 * connections, all of it asked for before. One key from 1 KiB to 1 MiB, and 10,000 keys of 8 kB, each asked
 * for as often as another, or by Zipf's law. Requests per second, 99th percentile, and CPU a request; the
 * peer of a row is the better one.
 *
 * BENCH_ONLY, BENCH_SECONDS, BENCH_ROUNDS, BENCH_DIR: as of files.bench.ts.
 */
import { type Result, report } from './harness.ts';
import { need, startCachingProxy, startOrigin, startVarnish } from './nginx.ts';
import { type Cost, Rival } from './rival.ts';
import { Site } from './site.ts';
import { inTurns, isWanted, middle, SECONDS, versus } from './turns.ts';

const KiB = 1024;
const SIZES = [KiB, 16 * KiB, 64 * KiB, 256 * KiB, KiB ** 2];
const KEYS = 10_000;
const KEY_BYTES = 8000;
const CONNECTIONS = 64;
/** How long at least 64 connections are measured with responses of 1 MiB: less shows how they begin. */
const LEAST_SECONDS = 4;
/** So that each is kept, and a server has compiled what it runs often. */
const LEAST_WARM_REQUESTS = 20_000;
/** How often each of many keys is asked for before. */
const WARM_WALKS = 4;

interface Row {
  readonly name: string;
  readonly picks: 'evenly' | 'zipf';
}

function rowsOf(sizes: readonly number[]): Row[] {
  const [size = 0] = sizes;
  const rows: Row[] =
    sizes.length === 1
      ? [{ name: `1 key, ${size / KiB} KiB`, picks: 'evenly' }]
      : (['evenly', 'zipf'] as const).map(picks => ({ name: `10,000 keys, 8 kB, ${picks}`, picks }));
  return rows.filter(({ name }) => isWanted(name));
}

function lines(name: string, rivals: readonly Rival[], measured: readonly Cost[][]): Result[] {
  const [ours = [], ...peers] = measured;
  const rates = peers.map(peer => middle(peer, 'rate'));
  for (const [place, rate] of rates.entries())
    console.log(`${name}: ${rivals[place + 1]?.name} ${Math.round(rate)}/s`);
  const best = rates.indexOf(Math.max(...rates));
  const peer = peers[best] ?? [];
  const peerName = rivals[best + 1]?.name ?? 'none';
  const both = (figure: 'rate' | 'p99' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
  return [
    versus(`${name}: requests`, both('rate'), { unit: '1/s', peerName }),
    versus(`${name}: p99`, both('p99'), { unit: 'ms', less: true, peerName }),
    versus(`${name}: CPU a request`, both('cpu'), { unit: 'us', less: true, peerName }),
  ];
}

function whole(measured: Cost, { name }: Rival): Cost {
  if (measured.failed > 0) throw new Error(`${name} failed: ${JSON.stringify(measured)}`);
  return measured;
}

async function compare(sizes: readonly number[]): Promise<Result[]> {
  const rows = rowsOf(sizes);
  if (rows.length === 0) return [];
  await using site = new Site(sizes);
  const { folder } = site;
  await using server = await Rival.of('origin', startOrigin(folder, site.root));
  const origin = {
    port: server.port,
    responses: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
  await using ours = await Rival.proxy(folder, origin);
  await using nginx = await Rival.of('nginx', startCachingProxy(folder, origin));
  await using varnish = await Rival.of('varnish', startVarnish(folder, origin));
  const rivals = [ours, nginx, varnish];
  const list = site.list(sizes.length);
  const common = { list, connections: CONNECTIONS, timeoutSeconds: 60 };
  const requests = Math.max(WARM_WALKS * sizes.length, LEAST_WARM_REQUESTS);
  for (const rival of rivals) await rival.load({ ...common, picks: 'walk', requests });
  const seconds = Math.max(...sizes) < KiB ** 2 ? SECONDS : Math.max(SECONDS, LEAST_SECONDS);
  const results: Result[] = [];
  for (const { name, picks } of rows) {
    const loadOf = (seed: number) => ({ ...common, picks, seed, seconds }) as const;
    for (const rival of rivals) await rival.load(loadOf(0));
    const measured = await inTurns(rivals, async (rival, turn) =>
      whole(await rival.measure(loadOf(turn + 1)), rival),
    );
    results.push(...lines(name, rivals, measured));
  }
  return results;
}

need(['nginx', 'nginx-light'], ['wrk', 'wrk'], ['varnishd', 'varnish']);
const results: Result[] = [];
for (const size of SIZES) results.push(...(await compare([size])));
results.push(...(await compare(new Array<number>(KEYS).fill(KEY_BYTES))));
report('proxy', results);
