import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Draw, seedOf } from './draw.ts';
import { Floors } from './floors.ts';
import { fillRecord, LEAST_RECORD_BYTES } from './payload.ts';

/** Files that are served, and keys of a shared cache. */
export const FILES = 16;
export const KEYS = 48;
/** Places of floors behind those of files: of a key; and of the version of it that is to come. */
export const keyPlace = (key: number): number => FILES + key;
export const nextPlace = (key: number): number => FILES + KEYS + key;
const LONGEST_BYTES = 1.5 * 1024 ** 2;
/** After so long nobody who hears of changes may find what a file was before. */
const VISIBLE_MS = 5000;

/** Names and places that all know of. */
export interface StagePlan {
  readonly run: string;
  readonly folder: string;
  readonly seed: number;
  /** Where servers listen. Undefined: there are none. */
  readonly ports?: { readonly web: number; readonly edge?: number };
}

/** From it on: what the application makes. */
export const APP_SOURCE = 0x400;

export const siteOf = ({ folder }: StagePlan): string => join(folder, 'site');
export const floorsOf = ({ folder }: StagePlan): string => join(folder, 'floors');
export const fileName = (index: number): string => `f${index}.bin`;

/** A folder with files that change, each of which is one record that says which version it is. */
export class Stage implements Disposable {
  readonly plan: StagePlan;
  readonly #floors: Floors;
  readonly #versions: number[] = Array(FILES).fill(0);
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(seed: number, ports: StagePlan['ports']) {
    const folder = mkdtempSync(join(tmpdir(), 'iolite-chaos-'));
    this.plan = { run: `${process.pid}`, seed, folder, ...(ports === undefined ? {} : { ports }) };
    mkdirSync(siteOf(this.plan));
    writeFileSync(floorsOf(this.plan), Buffer.alloc(4 * nextPlace(KEYS)));
    this.#floors = new Floors(floorsOf(this.plan));
    for (let index = 0; index < FILES; index++) this.exchange(index);
  }

  /** @param hasServers whether servers are to be there, and with TLS where openssl makes a certificate */
  static async open(seed: number, hasServers: boolean): Promise<Stage> {
    if (!hasServers) return new Stage(seed, undefined);
    const [web = 0, edge = 0] = await freePorts(2);
    const stage = new Stage(seed, { web, edge });
    makeCertificate(stage.plan);
    return stage;
  }

  /** Puts another version in the place of a file. */
  exchange(index: number): void {
    const version = (this.#versions[index] ?? 0) + 1;
    this.#versions[index] = version;
    const draw = new Draw(seedOf(this.plan.seed, `${index} ${version}`));
    const bytes = Buffer.alloc(draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES));
    fillRecord(bytes, { source: index, version, sequence: 0 });
    const path = join(siteOf(this.plan), fileName(index));
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#floors.raise(index, version);
    }, VISIBLE_MS);
    this.#timers.add(timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#floors[Symbol.dispose]();
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

/** Ports that nobody has just now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}
