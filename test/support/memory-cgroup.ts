import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { amountIn, type CgroupFolder, figuresIn, ownCgroups } from '../../src/os/container/own-cgroups.ts';
import { watchdog } from './watchdog.ts';

/** Left above what is in use, when a limit is lowered. */
const ROOM_BYTES = 16 * 1024 ** 2;
let made = 0;

/** A cgroup with a limit on memory, in which processes are started. Gone when disposed of, after they are. */
export class MemoryCgroup implements AsyncDisposable {
  readonly #folder: CgroupFolder;

  private constructor(folder: CgroupFolder) {
    this.#folder = folder;
  }

  /** @returns why there is none, where none can be made: for `skip` of a test */
  static create(limit: number): MemoryCgroup | string {
    const [above] = ownCgroups('memory').filter(({ path, version }) =>
      version === 1 ? true : amountIn(join(path, 'memory.current')) !== undefined,
    );
    if (above === undefined) return 'no memory cgroup is mounted';
    made += 1;
    const path = join(above.path, `iolite-test-${process.pid}-${made}`);
    try {
      mkdirSync(path);
    } catch (error) {
      return `no memory cgroup can be made: ${(error as Error).message}`;
    }
    const cgroup = new MemoryCgroup({ path, version: above.version });
    try {
      cgroup.#write(limit);
      return cgroup;
    } catch (error) {
      rmdirSync(path);
      return `no memory cgroup can be limited: ${(error as Error).message}`;
    }
  }

  /** Starts a program inside. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    // The shell joins, and what it becomes is in it from its first page on.
    return spawn('/bin/sh', ['-c', `${this.joining} && exec "$@"`, 'sh', program, ...args], options);
  }

  /** Runs a program of ours inside. @returns all that it writes to its standard output */
  async run(module: URL): Promise<string> {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = this.spawn(process.execPath, [fileURLToPath(module)], { stdio: [...stdio] });
    return watchdog(text(child.stdout as Readable), `what ${module} writes`);
  }

  /** What a shell does to join it. */
  get joining(): string {
    return `echo $$ > '${this.#folder.path}/cgroup.procs'`;
  }

  /** Bytes in use now, page cache included. */
  get usage(): number {
    const { path, version } = this.#folder;
    return amountIn(join(path, version === 2 ? 'memory.current' : 'memory.usage_in_bytes')) ?? 0;
  }

  /** How many processes the kernel has killed here because there was no memory left. */
  get kills(): number {
    const { path, version } = this.#folder;
    const file = version === 2 ? 'memory.events' : 'memory.oom_control';
    return figuresIn(join(path, file)).get('oom_kill') ?? 0;
  }

  /**
   * Lowers the limit as an operator would who wants nobody to be killed: by steps that leave some room above
   * what is in use, while those inside give memory back.
   */
  async lower(limit: number): Promise<void> {
    const lowered = async (): Promise<void> => {
      while (!this.squeeze(limit)) await setImmediate();
    };
    await watchdog(lowered(), `the limit to be lowered to ${limit}`, 60_000);
  }

  /** One step of {@link lower}. @returns whether the limit is there */
  squeeze(limit: number, room = ROOM_BYTES): boolean {
    const step = Math.max(limit, this.usage + room);
    return this.#tryWrite(step) && step === limit;
  }

  /** Removes it. @throws EBUSY while somebody is in it */
  remove(): void {
    rmdirSync(this.#folder.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const removed = async (): Promise<void> => {
      for (;;) {
        try {
          return this.remove();
        } catch (error) {
          // Those who have ended are still about to leave it.
          if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
          await setImmediate();
        }
      }
    };
    await watchdog(removed(), 'the cgroup to be left by all');
  }

  /** @returns false when version 1 cannot get below that */
  #tryWrite(bytes: number): boolean {
    try {
      this.#write(bytes);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      return false;
    }
  }

  #write(bytes: number): void {
    const { path, version } = this.#folder;
    writeFileSync(join(path, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), `${bytes}`);
  }
}
