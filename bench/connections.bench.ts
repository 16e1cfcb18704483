/**
 * Many connections: `iolite serve` with one worker against nginx with one, on the same files of 8 kB, one or
 * 1,000 of them asked for as often as another; wrk with one thread and 16 to 6,000 connections, which are
 * kept. Requests per second, the median and the 99th percentile of the time to an answer, and failures:
 * connections that broke, answers of errors, and what took longer than two seconds (the ratio is 1 where ours
 * has no more, else 0). The time of opening the connections counts: there is a second more for each 1,000.
 *
 * "memory a connection": what the processes of a server that has just been started take (PSS) with so many
 * idle connections that have had an answer, less what they take with 16. "memory a busy connection": the
 * most that they take while wrk asks, less what they took before. The kernel's part is not in it.
 *
 * BENCH_ONLY=<text> leaves out the rows whose names lack it, BENCH_SECONDS and BENCH_ROUNDS say how long and
 * how often is measured, BENCH_DIR where the files are (default: the directory for temporary files). Takes
 * 6,100 open files (ulimit -n).
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { median, type Result, report } from './harness.ts';
import { KeptConnections } from './kept-connections.ts';
import { need } from './nginx.ts';
import { memoryBytes } from './process-tree.ts';
import { type Cost, Rival } from './rival.ts';
import { Site } from './site.ts';
import { inTurns, isWanted, middle, noMore, SECONDS, versus } from './turns.ts';

const CONNECTIONS = [16, 256, 2000, 6000] as const;
const [FEW, , , MANY] = CONNECTIONS;
const FILE_COUNTS = [1, 1000] as const;
const FILE_BYTES = 8192;
const FILES = FILE_COUNTS[1];
const WARM_REQUESTS = 10_000;
const SAMPLE_MS = 300;

function nameOf(connections: number, files: number): string {
  const kinds = files === 1 ? '1 file' : `${files.toLocaleString('en')} files`;
  return `${connections.toLocaleString('en')} connections, ${kinds}`;
}

function both(site: Site): (() => Promise<Rival>)[] {
  return [() => Rival.iolite(site), () => Rival.nginx(site, { files: FILES, connections: MANY })];
}

async function ratesOf(site: Site): Promise<Result[]> {
  const [startOurs, startPeer] = both(site) as [() => Promise<Rival>, () => Promise<Rival>];
  await using ours = await startOurs();
  await using peer = await startPeer();
  const sides = [ours, peer];
  const results: Result[] = [];
  for (const files of FILE_COUNTS) {
    const list = site.list(files);
    for (const side of sides) {
      await side.load({ list, picks: 'walk', connections: FEW, requests: WARM_REQUESTS, timeoutSeconds: 60 });
    }
    for (const connections of CONNECTIONS) {
      const name = nameOf(connections, files);
      if (!isWanted(name)) continue;
      const seconds = SECONDS + Math.floor(connections / 1000);
      const load = { list, picks: 'evenly', connections, seconds } as const;
      results.push(
        ...lines(name, await inTurns(sides, (side, turn) => side.measure({ ...load, seed: turn }))),
      );
    }
  }
  return results;
}

function lines(name: string, [ours = [], peer = []]: readonly Cost[][]): Result[] {
  const figures = (figure: keyof Cost) => [middle(ours, figure), middle(peer, figure)] as const;
  const failures = [ours, peer].map(all => median(all.map(({ failed, timeouts }) => failed + timeouts)));
  return [
    versus(`${name}: requests`, figures('rate'), { unit: '1/s' }),
    versus(`${name}: p50`, figures('p50'), { unit: 'ms', less: true }),
    versus(`${name}: p99`, figures('p99'), { unit: 'ms', less: true }),
    versus(`${name}: CPU a request`, figures('cpu'), { unit: 'us', less: true }),
    noMore(`${name}: failures`, failures as [number, number]),
  ];
}

async function memoryOf(site: Site): Promise<Result[]> {
  const list = site.list(1);
  const path = readFileSync(list, 'utf8').trim();
  const results: Result[] = [];
  for (const connections of CONNECTIONS.filter(each => each > FEW)) {
    const name = `memory a connection, ${connections.toLocaleString('en')}`;
    if (!isWanted(name)) continue;
    const measured = await inTurns(both(site), async start => {
      await using server = await start();
      await server.load({ list, picks: 'walk', connections: FEW, requests: WARM_REQUESTS });
      using kept = new KeptConnections();
      await kept.open(FEW, server.port, path, FILE_BYTES);
      const before = memoryBytes(server.pids);
      await kept.open(connections - FEW, server.port, path, FILE_BYTES);
      const bytes = memoryBytes(server.pids) - before;
      // Of those that the server has not closed for want of work.
      return bytes / (kept.count - FEW) / 1024;
    });
    const [ours = [], peer = []] = measured;
    results.push(versus(name, [median(ours), median(peer)], { unit: 'KiB', less: true }));
  }
  return results;
}

/** The most that is taken in a load, less what is taken after one with few connections. */
async function busyMemoryOf(site: Site): Promise<Result[]> {
  const list = site.list(1);
  const results: Result[] = [];
  for (const connections of CONNECTIONS.filter(each => each > FEW)) {
    const name = `memory a busy connection, ${connections.toLocaleString('en')}`;
    if (!isWanted(name)) continue;
    const measured = await inTurns(both(site), async start => {
      await using server = await start();
      await server.load({ list, picks: 'walk', connections: FEW, requests: WARM_REQUESTS });
      const before = memoryBytes(server.pids);
      let [most, isOver] = [0, false];
      const seconds = SECONDS + Math.floor(connections / 1000);
      const load = server.load({ list, picks: 'evenly', connections, seconds }).finally(() => {
        isOver = true;
      });
      while (!isOver) {
        most = Math.max(most, memoryBytes(server.pids));
        await Promise.race([load, setTimeout(SAMPLE_MS)]);
      }
      await load;
      return (most - before) / (connections - FEW) / 1024;
    });
    const [ours = [], peer = []] = measured;
    results.push(versus(name, [median(ours), median(peer)], { unit: 'KiB', less: true }));
  }
  return results;
}

need(['nginx', 'nginx-light'], ['wrk', 'wrk']);
const results: Result[] = [];
{
  await using site = new Site(new Array<number>(FILES).fill(FILE_BYTES));
  results.push(...(await ratesOf(site)), ...(await memoryOf(site)), ...(await busyMemoryOf(site)));
}
report('connections', results);
