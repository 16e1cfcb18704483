/**
 * What it costs to be watched: `iolite serve` with one worker, whose metrics are asked for each second,
 * against one without `--metrics`. wrk with one thread and 16 connections, files of 1 KiB. Requests per
 * second, and CPU of all of the server's processes a request, in which that of the answers for Prometheus is
 * contained; and, as both differ by more from run to run, the CPU that a scrape takes, against a hundredth of
 * a second's.
 *
 * BENCH_ONLY, BENCH_SECONDS, BENCH_ROUNDS, BENCH_DIR: as of files.bench.ts.
 */
import { type Result, report } from './harness.ts';
import { freePort, need } from './nginx.ts';
import { cpuMicroseconds } from './process-tree.ts';
import { type Cost, Rival } from './rival.ts';
import { Site } from './site.ts';
import { inTurns, middle, SECONDS, versus } from './turns.ts';

const FILES = 1000;
const FILE_BYTES = 1024;
const CONNECTIONS = 16;
const SCRAPE_MS = 1000;
/** Several scrapes. */
const LEAST_SECONDS = 5;

const COUNTED_SCRAPES = 200;
/** One part in a hundred of what a processor does between two scrapes. */
const HUNDREDTH_MS = SCRAPE_MS / 100;

async function scrape(url: string): Promise<void> {
  const text = await (await fetch(url)).text();
  if (!text.includes('iolite_')) throw new Error(`No metrics at ${url}`);
}

/** CPU of all processes of a server for one scrape, in milliseconds. */
async function scrapeMs({ pids }: Rival, url: string): Promise<number> {
  const before = cpuMicroseconds(pids);
  for (let count = 0; count < COUNTED_SCRAPES; count++) await scrape(url);
  return (cpuMicroseconds(pids) - before) / 1000 / COUNTED_SCRAPES;
}

/** Asks each second, as Prometheus does, until it is stopped. */
class Scraper implements Disposable {
  readonly #timer: NodeJS.Timeout;
  scrapes = 0;

  constructor(url: string) {
    this.#timer = setInterval(() => {
      scrape(url).then(
        () => {
          this.scrapes += 1;
        },
        () => {},
      );
    }, SCRAPE_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

need(['wrk', 'wrk']);
const seconds = Math.max(SECONDS, LEAST_SECONDS);
await using site = new Site(new Array<number>(FILES).fill(FILE_BYTES));
const address = `127.0.0.1:${await freePort()}`;
const url = `http://${address}/metrics`;
await using watched = await Rival.iolite(site, ['--metrics', address]);
await using alone = await Rival.iolite(site);
const sides = [watched, alone];
const list = site.list(FILES);
for (const side of sides)
  await side.load({ list, connections: CONNECTIONS, picks: 'evenly', seed: 0, seconds });
const measured = await inTurns(sides, async (side, turn): Promise<Cost> => {
  const load = { list, connections: CONNECTIONS, picks: 'evenly', seed: turn + 1, seconds } as const;
  if (side === alone) return side.measure(load);
  using scraper = new Scraper(url);
  const cost = await side.measure(load);
  if (scraper.scrapes === 0) throw new Error('No scrape was answered');
  return cost;
});
const [ours = [], peer = []] = measured;
const both = (figure: 'rate' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
const peerName = 'without metrics';
const cpu = [await scrapeMs(watched, url), HUNDREDTH_MS] as const;
const results: Result[] = [
  versus('1 KiB, scraped each second: requests', both('rate'), { unit: '1/s', peerName }),
  versus('1 KiB, scraped each second: CPU a request', both('cpu'), { unit: 'us', less: true, peerName }),
  versus('a scrape: CPU', cpu, { unit: 'ms', less: true, peerName: '1 % of a second' }),
];
report('scrape', results);
