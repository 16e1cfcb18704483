/**
 * Many files: `iolite serve` with one worker against nginx with one, and with all files open
 * (open_file_cache), on the same files of 8 kB on a disk, 1 to 100,000 of them, each asked for as often as
 * another, or by Zipf's law (picks.lua); wrk with one thread and 64 connections. Each file has been asked for
 * five times before, one after the other. Requests per second, 99th percentile, and CPU a request: user and
 * system, of all processes.
 *
 * "cold": servers that have just been started, 16 connections that ask once for each of 10,000 files, which
 * the kernel has in its page cache. The CPU is what the server takes until it has come to rest, so that work
 * that is put off counts as well.
 *
 * BENCH_ONLY=<text> leaves out the rows whose names lack it, BENCH_SECONDS and BENCH_ROUNDS say how long and
 * how often is measured, BENCH_DIR where the files are (default: the directory for temporary files).
 */
import { MiB, type Result, report } from './harness.ts';
import { need } from './nginx.ts';
import { type Cost, Rival } from './rival.ts';
import { Site } from './site.ts';
import { inTurns, isWanted, middle, SECONDS, versus } from './turns.ts';

const COUNTS = [1, 100, 1000, 10_000, 100_000].map(files => ({ files, name: count(files) }));
const PICKS = ['evenly', 'zipf'] as const;
const FILE_BYTES = 8192;
const COLD_FILES = 10_000;
const COLD_NAME = `cold, ${count(COLD_FILES)}`;
const CONNECTIONS = 64;
const COLD_CONNECTIONS = 16;
/** How often each file is asked for before. */
const WARM_WALKS = 5;
/** So that a server has compiled what it runs often. */
const LEAST_WARM_REQUESTS = 10_000;

function count(files: number): string {
  return files === 1 ? '1 file' : `${files.toLocaleString('en')} files`;
}

/** As much memory for file content as no bench of ours fills. */
function roomFor(files: number): string[] {
  return ['-b', String(256 + Math.ceil((2 * files * FILE_BYTES) / MiB))];
}

function lines(name: string, sides: readonly Cost[][]): Result[] {
  const [ours = [], peer = []] = sides;
  const both = (figure: 'rate' | 'p50' | 'p99' | 'cpu') =>
    [middle(ours, figure), middle(peer, figure)] as const;
  const percentile = name.startsWith(COLD_NAME) ? 'p50' : 'p99';
  return [
    versus(`${name}: requests`, both('rate'), { unit: '1/s' }),
    versus(`${name}: ${percentile}`, both(percentile), { unit: 'ms', less: true }),
    versus(`${name}: CPU a request`, both('cpu'), { unit: 'us', less: true }),
  ];
}

function whole(measured: Cost, { name }: Rival): Cost {
  if (measured.failed > 0) throw new Error(`${name} failed: ${JSON.stringify(measured)}`);
  if (measured.timeouts > 0) console.log(`${name}: ${measured.timeouts} time-outs`);
  return measured;
}

async function warmPass(site: Site, files: number, name: string): Promise<Result[]> {
  const picks = PICKS.filter(pick => (files > 1 || pick === 'evenly') && isWanted(`${name}, ${pick}`));
  if (picks.length === 0) return [];
  const list = site.list(files);
  await using ours = await Rival.iolite(site, roomFor(files));
  await using peer = await Rival.nginx(site, { files, connections: CONNECTIONS });
  const sides = [ours, peer];
  const warm = { list, connections: CONNECTIONS, timeoutSeconds: 60 };
  for (const side of sides) {
    await side.load({ ...warm, picks: 'walk', requests: Math.max(WARM_WALKS * files, LEAST_WARM_REQUESTS) });
  }
  const results: Result[] = [];
  for (const pick of picks) {
    const loadOf = (seed: number) => ({ ...warm, picks: pick, seed, seconds: SECONDS }) as const;
    for (const side of sides) await side.load(loadOf(0));
    const measured = await inTurns(sides, async (side, turn) =>
      whole(await side.measure(loadOf(turn + 1)), side),
    );
    results.push(...lines(`${name}, ${pick}`, measured));
  }
  return results;
}

async function coldPass(site: Site): Promise<Result[]> {
  if (!isWanted(COLD_NAME)) return [];
  const list = site.list(COLD_FILES);
  const starts = [
    () => Rival.iolite(site, roomFor(COLD_FILES)),
    () => Rival.nginx(site, { files: COLD_FILES, connections: CONNECTIONS }),
  ];
  const measured = await inTurns(starts, async start => {
    site.readIn(COLD_FILES);
    await using server = await start();
    const load = { list, picks: 'walk', connections: COLD_CONNECTIONS, timeoutSeconds: 60 } as const;
    return whole(await server.measure({ ...load, requests: COLD_FILES }, true), server);
  });
  return lines(COLD_NAME, measured);
}

need(['nginx', 'nginx-light'], ['wrk', 'wrk']);
const results: Result[] = [];
const isNeeded = (files: number, name: string): boolean =>
  PICKS.some(pick => isWanted(`${name}, ${pick}`)) || (files === COLD_FILES && isWanted(COLD_NAME));
const most = Math.max(
  0,
  ...COUNTS.filter(({ files, name }) => isNeeded(files, name)).map(({ files }) => files),
);
{
  await using site = new Site(new Array<number>(most).fill(FILE_BYTES));
  for (const { files, name } of COUNTS) results.push(...(await warmPass(site, files, name)));
  results.push(...(await coldPass(site)));
}
report('files', results);
