import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atExit } from './cleanup.ts';

const TRIES = 200;
const PAUSE_MS = 20;

/** Where the two versions of control groups have what. See cgroups(7). */
const VERSIONS = [
  {
    mount: '/sys/fs/cgroup/memory',
    line: /^[0-9]+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m,
    limit: 'memory.limit_in_bytes',
    events: 'memory.oom_control',
    // Memory and swap space together.
    swap: ['memory.memsw.limit_in_bytes', (limit: number) => limit],
  },
  {
    mount: '/sys/fs/cgroup',
    line: /^0::(.*)$/m,
    limit: 'memory.max',
    events: 'memory.events',
    swap: ['memory.swap.max', () => 0],
  },
] as const;
type Version = (typeof VERSIONS)[number];

let made = 0;

/**
 * Processes that have no more than so much memory together, the page cache of what they read included, and no
 * swap space (memory cgroups). When it is disposed of they end.
 */
export class MemoryGroup implements Disposable {
  readonly #path: string;
  readonly #version: Version;
  readonly #forget: () => void;

  private constructor(path: string, version: Version) {
    this.#path = path;
    this.#version = version;
    this.#forget = atExit(() => this.#remove());
  }

  /** @throws Error when there are none here, or they are not for this user */
  static create(limitBytes: number): MemoryGroup {
    const reasons: string[] = [];
    for (const version of VERSIONS) {
      const own = version.line.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1];
      // In a container that may be the name that the host has for it.
      for (const parent of own === undefined ? [] : [join(version.mount, own), version.mount]) {
        try {
          return MemoryGroup.#below(parent, version, limitBytes);
        } catch (error) {
          reasons.push((error as Error).message);
        }
      }
    }
    throw new Error(`Cannot make a memory cgroup: ${reasons.join('; ') || 'there are none'}`);
  }

  static #below(parent: string, version: Version, limitBytes: number): MemoryGroup {
    if (version.limit === 'memory.max' && !namesMemory(join(parent, 'cgroup.subtree_control'))) {
      writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory');
    }
    const path = join(parent, `iolite-bench-${process.pid}-${made++}`);
    mkdirSync(path);
    const group = new MemoryGroup(path, version);
    try {
      writeFileSync(join(path, version.limit), String(limitBytes));
      const [swap, most] = version.swap;
      if (existsSync(join(path, swap))) writeFileSync(join(path, swap), String(most(limitBytes)));
      return group;
    } catch (error) {
      group[Symbol.dispose]();
      throw error;
    }
  }

  /** A command that runs in the group the one that is appended to it. */
  get command(): string[] {
    return ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.#path, 'cgroup.procs')];
  }

  /** How many processes of it the kernel has killed for want of memory. */
  get kills(): number {
    return Number(/^oom_kill ([0-9]+)/m.exec(this.#read(this.#version.events))?.[1]);
  }

  [Symbol.dispose](): void {
    this.#remove();
    this.#forget();
  }

  /** Waits, for a process that was killed takes a moment to end. */
  #remove(): void {
    for (let left = TRIES; existsSync(this.#path); left--) {
      for (const pid of this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It is gone.
        }
      }
      try {
        rmdirSync(this.#path);
      } catch (error) {
        if (left === 0) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      }
    }
  }

  #read(file: string): string {
    return readFileSync(join(this.#path, file), 'latin1');
  }
}

function namesMemory(path: string): boolean {
  return readFileSync(path, 'latin1').split(/\s+/).includes('memory');
}
