import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from '../cleanup.ts';
import { MiB, median } from '../harness.ts';
import { MemoryGroup } from '../memory-group.ts';
import { need, startNginx } from '../nginx.ts';
import { killTree } from '../process-tree.ts';
import { Rival } from '../rival.ts';
import { Site } from '../site.ts';
import { inTurns } from '../turns.ts';
import { DelayedNetwork } from './delayed-network.ts';
import { tcpMemory } from './kernel-memory.ts';
import { type Row, rowsOf } from './rows.ts';

const FIGURE = 'Fig. 7';
const MEMORY_FIGURE = 'Fig. 7 buffers';
/** Each way. */
const DELAYS_MS = [0, 5, 50, 150] as const;
/** As in the paper, the longer the way is, the more clients: so many here, so many far away. */
const CONNECTIONS = { fewest: 64, most: 900 } as const;
const FILES = 1800;
const FILE_BYTES = 100_000;
/** Files take about two thirds of it. What a program that does nothing but hold ballast takes is on top. */
const LIMIT_MIB = 256 + 48;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 1);
const WARM_SECONDS = 6;
const SAMPLE_MS = 100;
const NGINX = 'nginx';
const NAMES = ['iolite', NGINX, 'nginx, copying'] as const;
type Name = (typeof NAMES)[number];

interface Measured {
  /** Requests a second. */
  readonly rate: number;
  /** Bytes of socket buffers, by the kernel's account. */
  readonly buffers: number;
}

function connectionsAt(delayMs: number): number {
  const part = delayMs / (DELAYS_MS.at(-1) as number);
  return Math.round(CONNECTIONS.fewest + (CONNECTIONS.most - CONNECTIONS.fewest) * part);
}

/** A server in a memory cgroup of its own, with files of its own, and ballast for its socket buffers. */
class Contender implements AsyncDisposable {
  readonly #network: DelayedNetwork;
  readonly #list: string;
  readonly #site: Site;
  readonly #group = MemoryGroup.create(LIMIT_MIB * MiB);
  #server: Rival | undefined;

  private constructor(network: DelayedNetwork) {
    this.#network = network;
    this.#site = new Site(new Array<number>(FILES).fill(FILE_BYTES));
    this.#list = this.#site.list();
  }

  static async start(name: Name, network: DelayedNetwork): Promise<Contender> {
    const contender = new Contender(network);
    contender.#server = await contender.#start(name);
    return contender;
  }

  get kills(): number {
    return this.#group.kills;
  }

  /** Under a load, with the ballast that its socket buffers are. A server that was killed answers nothing. */
  async measure(delayMs: number, seed: number, seconds = SECONDS): Promise<Measured> {
    const samples: number[] = [];
    const ballast = this.#ballast();
    const timer = setInterval(() => samples.push(tcpMemory()), SAMPLE_MS);
    try {
      const { rate } = await (this.#server as Rival).load({
        list: this.#list,
        picks: 'zipf',
        connections: connectionsAt(delayMs),
        seed,
        seconds,
        timeoutSeconds: 60,
        host: this.#network.host,
        before: this.#network.command,
      });
      return { rate, buffers: median(samples) };
    } catch (error) {
      if (this.kills === 0) throw error;
      return { rate: 0, buffers: median(samples) };
    } finally {
      clearInterval(timer);
      ballast[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#group[Symbol.dispose]();
    await this.#site[Symbol.asyncDispose]();
  }

  #start(name: Name): Promise<Rival> {
    const { command: before } = this.#group;
    this.#site.dropOut();
    if (name === 'iolite') return Rival.iolite(this.#site, ['--host', '0.0.0.0'], { before });
    const { host } = this.#network;
    const sizes = { openFiles: FILES + 64, connections: CONNECTIONS.most + 64 };
    const folder = mkdtempSync(join(this.#site.folder, 'nginx-'));
    const options = { ...sizes, before, host, sendfile: name === NGINX };
    return Rival.of(name, startNginx(folder, this.#site.root, options), host);
  }

  #ballast(): Disposable {
    const program = fileURLToPath(new URL('./ballast-child.js', import.meta.url));
    const [shell = '', ...args] = [...this.#group.command, process.execPath, program];
    const child: ChildProcess = spawn(shell, args, { stdio: 'ignore' });
    const forget = atExit(() => killTree(child.pid as number));
    return {
      [Symbol.dispose]: () => {
        killTree(child.pid as number);
        forget();
      },
    };
  }
}

/** @returns why it cannot be measured here */
async function refusal(): Promise<string | undefined> {
  try {
    MemoryGroup.create(LIMIT_MIB * MiB)[Symbol.dispose]();
    (await DelayedNetwork.create())[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Figure 7: a set of files that memory has room for, as long as socket buffers do not take it; the farther
 * away the clients are, the more of them, and the longer bytes have to be kept until they are acknowledged.
 * Ours, nginx with sendfile, and nginx that copies.
 */
export async function delayedClients(isWanted: (figure: string) => boolean): Promise<Row[]> {
  if (!isWanted(FIGURE)) return [];
  const refused = await refusal();
  if (refused !== undefined) {
    console.log(`${FIGURE} is not measured: ${refused}`);
    return [];
  }
  need(['nginx', 'nginx-light'], ['wrk', 'wrk']);
  using network = await DelayedNetwork.create();
  await using stack = new AsyncDisposableStackOf<Contender>();
  for (const name of NAMES) stack.add(await Contender.start(name, network));
  for (const contender of stack.all) await contender.measure(0, 0, WARM_SECONDS);
  const rows: Row[] = [];
  for (const delayMs of DELAYS_MS) {
    network.setDelay(delayMs);
    const all = await inTurns(stack.all, (each, turn) => each.measure(delayMs, turn + 1), ROUNDS);
    const name = `${delayMs} ms, ${connectionsAt(delayMs)} clients`;
    const place = { x: delayMs, name };
    const rates = all.map(measured => (median(measured.map(({ rate }) => rate)) * FILE_BYTES * 8) / 1e6);
    rows.push(...rowsOf({ ...place, figure: FIGURE, unit: 'Mb/s' }, NAMES, rates));
    const buffers = all.map(measured => median(measured.map(each => each.buffers)) / MiB);
    rows.push(...rowsOf({ ...place, figure: MEMORY_FIGURE, unit: 'MiB', less: true }, NAMES, buffers));
  }
  for (const [i, { kills }] of stack.all.entries()) {
    if (kills > 0) console.log(`${NAMES[i]}: ${kills} processes were killed for want of memory`);
  }
  return rows;
}

/** What is disposed of together, the last first. */
class AsyncDisposableStackOf<Each extends AsyncDisposable> implements AsyncDisposable {
  readonly all: Each[] = [];

  add(each: Each): void {
    this.all.push(each);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.all.splice(0).reverse()) await each[Symbol.asyncDispose]();
  }
}
