import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Draw, seedOf } from './draw.ts';
import { Floors } from './floors.ts';
import { MemoryRoom } from './memory-room.ts';
import { fillRecord, LEAST_RECORD_BYTES } from './payload.ts';
import { watchQueues } from './queues.ts';
import { SmallDisk } from './small-disk.ts';

/** Files that are served, and keys of a shared cache. */
export const FILES = 16;
export const KEYS = 48;
/** Places of floors behind those of files: of a key; and of the version of it that is to come. */
export const keyPlace = (key: number): number => FILES + key;
export const nextPlace = (key: number): number => FILES + KEYS + key;
/** Files that are saved, one by each reader. */
const MAX_SAVED_FILES = 64;
export const savedPlace = (number: number): number => nextPlace(KEYS) + (number % MAX_SAVED_FILES);
/** What machines of a cluster ask their origins for: its version, and the one that is to come. */
export const CLUSTER_KEYS = 12;
export const clusterPlace = (key: number): number => savedPlace(0) + MAX_SAVED_FILES + key;
export const nextClusterPlace = (key: number): number => clusterPlace(CLUSTER_KEYS) + key;
const LONGEST_BYTES = 1.5 * 1024 ** 2;
/** After so long nobody who hears of changes, and has a processor, may find what a file was before. */
const VISIBLE_MS = 5000;
/** To wait no longer than this for a processor is no reason not to have heard. */
const SHORT_WAIT_MS = 200;

/** Names and places that all know of. */
export interface StagePlan {
  readonly run: string;
  readonly folder: string;
  readonly seed: number;
  /** Where servers listen. Undefined: there are none. */
  readonly ports?: { readonly web: number; readonly edge?: number; readonly nats?: number };
  /** Whether its disk can be filled. */
  readonly hasSmallDisk?: boolean;
  /** How a shell joins the processes whose memory can be limited. Undefined: it cannot. */
  readonly memoryPrelude?: string;
}

/** What there is to be on a stage. */
export interface StageOptions {
  readonly seed: number;
  /** Servers, and with TLS where openssl makes a certificate. */
  readonly servers?: boolean;
  /** A disk that can be filled and memory that can be limited, as far as this user may make them. */
  readonly hardships?: boolean;
}

/** From it on: what the application makes. */
export const APP_SOURCE = 0x400;

export const siteOf = ({ folder }: StagePlan): string => join(folder, 'site');
/** Where files are saved, and logs written. */
export const diskOf = ({ folder }: StagePlan): string => join(folder, 'disk');
export const floorsOf = ({ folder }: StagePlan): string => join(folder, 'floors');
/** See {@link LastChanges}. */
export const changesOf = ({ folder }: StagePlan): string => join(folder, 'changes');
export const fileName = (index: number): string => `f${index}.bin`;

/** A folder with files that change, each of which is one record that says which version it is. */
export class Stage implements Disposable {
  readonly plan: StagePlan;
  readonly #floors: Floors;
  readonly #versions: number[] = Array(FILES).fill(0);
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Of each file: the oldest version that may be found. */
  readonly #raised: number[] = Array(FILES).fill(0);
  /** Those who take part in a run, once there is one. */
  processes: () => readonly number[] = () => [];

  /** Why some hardships are none. */
  readonly reasons: readonly string[];
  readonly #disk: SmallDisk | undefined;
  readonly #memory: MemoryRoom | undefined;

  private constructor({ seed, hardships = false }: StageOptions, ports: StagePlan['ports']) {
    const folder = mkdtempSync(join(tmpdir(), 'iolite-chaos-'));
    mkdirSync(join(folder, 'disk'));
    const made = hardships ? [SmallDisk.mount(join(folder, 'disk')), MemoryRoom.open()] : [];
    const withoutNats = 'There is no cluster: nats-server is not installed';
    this.reasons = [
      ...made.filter(each => typeof each === 'string'),
      ...(ports !== undefined && ports.nats === undefined ? [withoutNats] : []),
    ];
    this.#disk = made.find(each => each instanceof SmallDisk);
    this.#memory = made.find(each => each instanceof MemoryRoom);
    this.plan = {
      run: `${process.pid}`,
      seed,
      folder,
      hasSmallDisk: this.#disk !== undefined,
      ...(ports === undefined ? {} : { ports }),
      ...(this.#memory === undefined ? {} : { memoryPrelude: this.#memory.prelude }),
    };
    mkdirSync(siteOf(this.plan));
    writeFileSync(floorsOf(this.plan), Buffer.alloc(4 * nextClusterPlace(CLUSTER_KEYS)));
    writeFileSync(changesOf(this.plan), '');
    this.#floors = new Floors(floorsOf(this.plan));
    for (let index = 0; index < FILES; index++) this.exchange(index);
  }

  static async open(options: StageOptions): Promise<Stage> {
    if (options.servers !== true) return new Stage(options, undefined);
    const [web = 0, edge = 0, nats = 0] = await freePorts(3);
    const stage = new Stage(options, { web, edge, ...(hasNats() ? { nats } : {}) });
    makeCertificate(stage.plan);
    return stage;
  }

  /** Puts another version in the place of a file. */
  exchange(index: number): void {
    this.#write(siteOf(this.plan), index);
  }

  /** Puts another directory in the place of the one that is served, with another version of each file. */
  exchangeRoot(): void {
    const site = siteOf(this.plan);
    mkdirSync(`${site}.new`);
    for (let index = 0; index < FILES; index++) this.#write(`${site}.new`, index);
    renameSync(site, `${site}.old`);
    renameSync(`${site}.new`, site);
    rmSync(`${site}.old`, { recursive: true });
  }

  /** Until it has lasted, nothing can be written. */
  fillDisk(lasts: number): void {
    this.#disk?.fill(lasts);
  }

  /** Lowers the memory limit of the server until it has lasted. */
  squeeze(lasts: number): void {
    this.#memory?.squeeze(lasts);
  }

  /** No hardship lasts any longer. */
  ease(): void {
    this.#disk?.clear();
    this.#memory?.clear();
  }

  /** Processes that the kernel killed as there was no memory. */
  get kills(): number {
    return this.#memory?.kills ?? 0;
  }

  #write(folder: string, index: number): void {
    const version = (this.#versions[index] ?? 0) + 1;
    this.#versions[index] = version;
    const draw = new Draw(seedOf(this.plan.seed, `${index} ${version}`));
    const bytes = Buffer.alloc(draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES));
    fillRecord(bytes, { source: index, version, sequence: 0 });
    const path = join(folder, fileName(index));
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
    this.#raiseAfter(VISIBLE_MS, index, version);
  }

  /** Later by as long as one of the processes had to wait for a processor meanwhile. */
  #raiseAfter(ms: number, index: number, version: number): void {
    const queued = watchQueues(() => this.processes());
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const waited = queued();
      if (waited > SHORT_WAIT_MS) return this.#raiseAfter(waited, index, version);
      if (version <= (this.#raised[index] ?? 0)) return;
      this.#raised[index] = version;
      this.#floors.raise(index, version);
    }, ms);
    this.#timers.add(timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#floors[Symbol.dispose]();
    this.#disk?.[Symbol.dispose]();
    this.#memory?.[Symbol.dispose]();
    rmSync(this.plan.folder, { recursive: true });
  }
}

export const certificateOf = ({ folder }: StagePlan): { cert: string; key: string } => ({
  cert: join(folder, 'cert.pem'),
  key: join(folder, 'key.pem'),
});

/** @throws Error where there is no openssl */
function makeCertificate(plan: StagePlan): void {
  const { cert, key } = certificateOf(plan);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', cert];
  execFileSync('openssl', made, { stdio: 'ignore' });
}

function hasNats(): boolean {
  return spawnSync('nats-server', ['--version']).status === 0;
}

/** Ports that nobody has just now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}
