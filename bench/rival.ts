import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.ts';
import { type Load, type Loaded, load } from './load.ts';
import { type CachedOrigin, freePort, startNginx } from './nginx.ts';
import { cpuMicroseconds, killTree, treeOf } from './process-tree.ts';
import type { Site } from './site.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const START_LIMIT_MS = 20_000;
const END_LIMIT_MS = 10_000;
/** A server that computes less than that part of the time is done with what it had put off. */
const REST = { part: 0.02, intervalMs: 500, tries: 40 } as const;
/** Files that nginx has open besides those that it serves. */
const SPARE_FILES = 64;

/** What a load did, and what it cost. */
export interface Cost extends Loaded {
  /** User and system, of all processes of the server, in microseconds a request. */
  readonly cpu: number;
}

export interface Start {
  /** A command that the server's is appended to. */
  readonly before?: readonly string[];
}

/** A server as people start it, with one worker, on the files of a site. */
export class Rival implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #forget: () => void;

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.#child = child;
    this.#forget = atExit(() => killTree(child.pid as number));
  }

  /** `iolite serve` with what `flags` say. */
  static async iolite(
    site: Site,
    flags: readonly string[] = [],
    { before = [] }: Start = {},
  ): Promise<Rival> {
    const port = await freePort();
    const serve = [PROGRAM, 'serve', site.root, '-p', String(port), '-w', '1', ...flags];
    const [command, ...args] = [...before, process.execPath, ...serve] as [string, ...string[]];
    const child = spawn(command, args, {
      // Where there is no iolite.config.json.
      cwd: site.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      // A session of its own, as a service has: the kernel shares out processors by session (sched(7)).
      detached: true,
    });
    return new Rival('iolite', port, child).#begun();
  }

  /**
   * nginx, with all files open that it has been asked for, as far as this user's limit lets it.
   * @param files how many it will be asked for @param connections how many there will be at most
   */
  static async nginx(
    site: Site,
    { files, connections, before = [] }: Start & { files: number; connections: number },
  ): Promise<Rival> {
    const folder = mkdtempSync(join(site.folder, 'nginx-'));
    const room = openFilesLimit() - connections - SPARE_FILES;
    if (room < files)
      console.log(`nginx keeps ${room} of ${files} files open: the limit (ulimit -n) is lower`);
    const { child, port } = await startNginx(folder, site.root, {
      openFiles: Math.min(files + SPARE_FILES, room),
      connections: connections + SPARE_FILES,
      before,
    });
    return new Rival('nginx', port, child).#begun();
  }

  /** `iolite serve` in front of another server. */
  static async proxy(folder: string, origin: CachedOrigin): Promise<Rival> {
    const port = await freePort();
    const budget = String(256 + Math.ceil((2 * origin.bytes) / 2 ** 20));
    const flags = [
      '--origin',
      `http://127.0.0.1:${origin.port}`,
      '-p',
      String(port),
      '-w',
      '1',
      '-b',
      budget,
    ];
    const child = spawn(process.execPath, [PROGRAM, 'serve', ...flags], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    });
    return new Rival('iolite', port, child).#begun();
  }

  /** A server that was started otherwise. @param host where it listens */
  static async of(
    name: string,
    started: Promise<{ child: ChildProcess; port: number }>,
    host?: string,
  ): Promise<Rival> {
    const { child, port } = await started;
    return new Rival(name, port, child).#begun(host);
  }

  /** Its processes, now. */
  get pids(): number[] {
    return treeOf(this.#child.pid as number);
  }

  load(wanted: Load): Promise<Loaded> {
    return load(this.port, wanted);
  }

  /** As {@link load}. @param rest counts what it puts off as well, until it has come to rest */
  async measure(wanted: Load, rest = false): Promise<Cost> {
    const before = cpuMicroseconds(this.pids);
    const loaded = await load(this.port, wanted);
    if (rest) await this.#rested();
    return { ...loaded, cpu: (cpuMicroseconds(this.pids) - before) / loaded.requests };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const late = new AbortController();
      child.kill();
      void setTimeout(END_LIMIT_MS, undefined, { signal: late.signal }).then(
        () => killTree(child.pid as number),
        () => {},
      );
      await once(child, 'exit');
      late.abort();
    }
    this.#forget();
  }

  async #begun(host = '127.0.0.1'): Promise<this> {
    const limit = performance.now() + START_LIMIT_MS;
    while (!(await listensAt(this.port, host))) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null || performance.now() > limit) {
        throw new Error(`${this.name} does not start`);
      }
      await setTimeout(20);
    }
    return this;
  }

  async #rested(): Promise<void> {
    for (let left = REST.tries; left > 0; left--) {
      const before = cpuMicroseconds(this.pids);
      await setTimeout(REST.intervalMs);
      if (cpuMicroseconds(this.pids) - before < REST.part * REST.intervalMs * 1000) return;
    }
  }
}

async function listensAt(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** What children inherit: Node.js has raised it as far as it may. */
function openFilesLimit(): number {
  const limit = /^Max open files +([0-9]+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}
