/**
 * A set larger than memory: `iolite serve` with one worker, by cache policy, and nginx with one worker and
 * all files open, in memory cgroups of the same limit. 20,000 files, sizes log-normal with a mean of 17 KB as
 * synthetic traces have them (src/cli/bench/trace/synthetic.ts), asked for by Zipf's law; wrk with one thread
 * and 64 connections. The kernel charges its page cache to the group that reads a file first: so each server
 * has files of its own, written outside of its group, and none of them is in the page cache when it starts.
 * Each policy is a pair of servers that have just been started and warmed up, and take turns.
 *
 * The hit ratio is that of bytes, and the same measure for all: what the processes of a server had the kernel
 * read from the disk (/proc/<pid>/io) against the pages of the files that were asked for. "kills" are by the
 * kernel for want of memory (its ratio is 1 where ours has no more than nginx, else 0); a server that is gone
 * has a rate of 0.
 *
 * BENCH_ONLY=<text> leaves out the lines whose names ("300 MiB, lru") lack it, BENCH_SECONDS and BENCH_ROUNDS
 * say how long and how often is measured, BENCH_WARM_SECONDS how long the servers are warmed up at most,
 * BENCH_BUDGET=<MiB> is the `-b` of iolite (default: none, as users have it), BENCH_DIR is where the files
 * are (default: the directory for temporary files). Does nothing where memory cgroups cannot be made.
 */
import { syntheticTrace } from '../src/cli/bench/trace/synthetic.ts';
import { POLICY_NAMES, type PolicyName } from '../src/store/policies/index.ts';
import { MiB, type Result, report } from './harness.ts';
import { ZIPF } from './load.ts';
import { MemoryGroup } from './memory-group.ts';
import { need } from './nginx.ts';
import { diskBytes } from './process-tree.ts';
import { Rival } from './rival.ts';
import { Site, shuffled } from './site.ts';
import { inTurns, isWanted, middle, noMore, SECONDS, versus } from './turns.ts';

const LIMITS_MIB = [300, 200] as const;
const FILES = 20_000;
const CONNECTIONS = 64;
const PAGE_BYTES = 4096;
/** How often a file is asked for before anything is measured, on average. */
const WARM_TIMES = 10;
const { BENCH_WARM_SECONDS: warmSeconds = '60', BENCH_BUDGET: budget } = process.env;
const NGINX = 'nginx';

interface Measured {
  readonly rate: number;
  readonly cpu: number;
  readonly hits: number;
}

const GONE: Measured = { rate: 0, cpu: Number.NaN, hits: Number.NaN };

/** A server in a memory cgroup, with files of its own. */
class Contender implements AsyncDisposable {
  readonly name: string;
  readonly #list: string;
  readonly #group: MemoryGroup;
  #server: Rival | undefined;

  private constructor(name: string, list: string, group: MemoryGroup) {
    this.name = name;
    this.#list = list;
    this.#group = group;
  }

  static async start(name: string, site: Site, limitMib: number): Promise<Contender> {
    site.dropOut();
    const contender = new Contender(name, site.list(), MemoryGroup.create(limitMib * MiB));
    const { command: before } = contender.#group;
    const flags = ['--cache-policy', name, ...(budget === undefined ? [] : ['-b', budget])];
    contender.#server = await contender.#unlessKilled(() =>
      name === NGINX
        ? Rival.nginx(site, { files: FILES, connections: CONNECTIONS, before })
        : Rival.iolite(site, flags, { before }),
    );
    return contender;
  }

  get kills(): number {
    return this.#group.kills;
  }

  async warmUp(): Promise<void> {
    await this.#unlessKilled(server =>
      server?.load({ ...this.#load, seconds: Number(warmSeconds), requests: WARM_TIMES * FILES }),
    );
  }

  async measure(seed: number): Promise<Measured> {
    return (await this.#unlessKilled(server => server && this.#measure(server, seed))) ?? GONE;
  }

  async #measure(server: Rival, seed: number): Promise<Measured> {
    const before = diskBytes(server.pids);
    const { rate, cpu, requests } = await server.measure({ ...this.#load, seed, seconds: SECONDS });
    const read = diskBytes(server.pids) - before;
    return { rate, cpu, hits: 100 * (1 - read / (requests * meanPagesBytes)) };
  }

  get #load() {
    return {
      list: this.#list,
      picks: 'zipf',
      connections: CONNECTIONS,
      seed: 0,
      timeoutSeconds: 60,
    } as const;
  }

  /** Does something with the server; undefined if it fails, and something has been killed. */
  async #unlessKilled<Value>(
    work: (server?: Rival) => Promise<Value> | undefined,
  ): Promise<Value | undefined> {
    try {
      return await work(this.#server);
    } catch (error) {
      if (this.kills === 0) throw error;
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#group[Symbol.dispose]();
  }
}

/** All files are read about twenty times in a trace without favourites: it has the size of each. */
function sizesOfFiles(): number[] {
  const trace = syntheticTrace({ requests: 20 * FILES, objects: FILES, alpha: 0, seed: 1 });
  const sizes = new Array<number>(trace.names.length);
  for (const [place, number] of trace.files.entries()) sizes[number] = trace.sizes[place] as number;
  return sizes;
}

/** The memory that a file takes in the page cache, on average over requests by Zipf's law. */
function meanBytesOfPages(sizes: readonly number[]): number {
  let [sum, weights] = [0, 0];
  for (const [place, number] of shuffled(sizes.length).entries()) {
    const weight = (place + 1) ** -ZIPF.alpha;
    sum += weight * PAGE_BYTES * Math.ceil((sizes[number] as number) / PAGE_BYTES);
    weights += weight;
  }
  return sum / weights;
}

function linesOf(name: string, sides: readonly Contender[], all: readonly Measured[][]): Result[] {
  const [ours = [], peer = []] = all;
  const both = (figure: keyof Measured) => [middle(ours, figure), middle(peer, figure)] as const;
  const [ourKills = 0, peerKills = 0] = sides.map(({ kills }) => kills);
  return [
    versus(`${name}: requests`, both('rate'), { unit: '1/s' }),
    versus(`${name}: byte hit ratio`, both('hits'), { unit: '%' }),
    versus(`${name}: CPU a request`, both('cpu'), { unit: 'us', less: true }),
    noMore(`${name}: kills`, [ourKills, peerKills]),
  ];
}

async function measure(
  limitMib: number,
  policy: PolicyName,
  sites: readonly [Site, Site],
): Promise<Result[]> {
  const name = `${limitMib} MiB, ${policy}`;
  if (!isWanted(name)) return [];
  await using ours = await Contender.start(policy, sites[0], limitMib);
  await using peer = await Contender.start(NGINX, sites[1], limitMib);
  const sides = [ours, peer];
  for (const side of sides) await side.warmUp();
  return linesOf(name, sides, await inTurns(sides, (side, turn) => side.measure(turn + 1)));
}

/** Why no memory cgroups can be made; undefined if they can. */
function refusal(): string | undefined {
  try {
    MemoryGroup.create(LIMITS_MIB[0] * MiB)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const refused = refusal();
const sizes = sizesOfFiles();
const meanPagesBytes = meanBytesOfPages(sizes);
if (refused === undefined) {
  need(['nginx', 'nginx-light'], ['wrk', 'wrk']);
  const results: Result[] = [];
  {
    await using ours = new Site(sizes);
    await using peer = new Site(sizes);
    for (const limitMib of LIMITS_MIB) {
      for (const policy of POLICY_NAMES) results.push(...(await measure(limitMib, policy, [ours, peer])));
    }
  }
  report('trace', results);
} else {
  console.log(`Not measured: ${refused}`);
}
