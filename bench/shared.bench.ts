/**
 * One cache for several processes: `sharedCache` against what is used today: an lru-cache in each process,
 * lmdb, and Redis over a Unix socket with and without client-side caching. 95 reads to 5 writes, by Zipf's
 * law over 100,000 keys (fewer where they would be more than 256 MiB), by 1, 4 and 8 processes with 16 loops
 * each. Operations per second of all, CPU an operation (Redis' server included), and what 8 processes take
 * that hold 256 MiB.
 *
 * BENCH_ONLY, BENCH_SECONDS, BENCH_ROUNDS: as of files.bench.ts.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KiB, MiB, type Result, report } from './harness.ts';
import { cpuMicroseconds, memoryBytes } from './process-tree.ts';
import type { SharedTask } from './shared-child.ts';
import { inTurns, isWanted, middle, SECONDS, versus } from './turns.ts';

const CHILD = fileURLToPath(new URL('shared-child.js', import.meta.url));
const WAYS = ['iolite', 'lru', 'lmdb', 'redis', 'redis-tracking'] as const;
const PROCESSES = [1, 4, 8];
const SIZES = [100, 16 * KiB, MiB];
const MOST_KEYS = 100_000;
const SET_BYTES = 256 * MiB;
/** Room for headers, and for tables of 100,000 keys. */
const BUDGET_BYTES = 512 * MiB;
const WRITE_PART = 0.05;

type Way = (typeof WAYS)[number];

interface Cost {
  readonly rate: number;
  /** Microseconds an operation. */
  readonly cpu: number;
}

/** Processes that keep values one way. */
class Users {
  readonly way: Way;
  readonly #children: ChildProcess[];
  readonly #server: ChildProcess | undefined;

  private constructor(way: Way, children: ChildProcess[], server: ChildProcess | undefined) {
    this.way = way;
    this.#children = children;
    this.#server = server;
  }

  static async start(way: Way, count: number, folder: string): Promise<Users> {
    const socket = join(folder, 'redis.sock');
    let server: ChildProcess | undefined;
    if (way.startsWith('redis')) {
      const arguments_ = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder];
      server = spawn('redis-server', arguments_, { stdio: 'ignore' });
      while (!existsSync(socket)) await setTimeout(5);
    }
    const place = way === 'lmdb' ? join(folder, 'lmdb') : way === 'iolite' ? `bench-${folder}` : socket;
    const children: ChildProcess[] = [];
    for (let index = 0; index < count; index++) {
      const child = fork(CHILD, [way, place, String(BUDGET_BYTES)]);
      await once(child, 'message');
      children.push(child);
    }
    return new Users(way, children, server);
  }

  get pids(): number[] {
    return [...this.#children, ...(this.#server === undefined ? [] : [this.#server])].map(
      ({ pid }) => pid as number,
    );
  }

  /** Has all do something at once. @returns the sum of what came of it */
  async do(task: (index: number, count: number) => SharedTask): Promise<number> {
    const sums = await Promise.all(
      this.#children.map(async (child, index) => {
        const answer = once(child, 'message');
        child.send(task(index, this.#children.length));
        return Number((await answer)[0]);
      }),
    );
    return sums.reduce((sum, each) => sum + each, 0);
  }

  async end(): Promise<void> {
    for (const child of [...this.#children, ...(this.#server === undefined ? [] : [this.#server])]) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
}

async function withUsers<T>(
  count: number,
  act: (users: Users[]) => Promise<T>,
  ways: readonly Way[] = WAYS,
): Promise<T> {
  const folders = ways.map(() => mkdtempSync(join(tmpdir(), 'iolite-bench-')));
  const users: Users[] = [];
  try {
    for (const [index, way] of ways.entries())
      users.push(await Users.start(way, count, folders[index] as string));
    return await act(users);
  } finally {
    for (const each of users) await each.end();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

async function compareMix(processes: number, bytes: number): Promise<Result[]> {
  const keys = Math.min(MOST_KEYS, Math.floor(SET_BYTES / bytes));
  const name = `${processes} processes, ${bytes < KiB ? `${bytes} B` : `${bytes / KiB} KiB`}`;
  if (!isWanted(name)) return [];
  return withUsers(processes, async users => {
    for (const each of users) {
      await each.do((first, step) => ({ act: 'fill', keys, bytes, first, step }));
      await each.do(seed => ({ act: 'mix', keys, bytes, seconds: SECONDS, writePart: WRITE_PART, seed }));
    }
    const measured = await inTurns(users, async (each, turn): Promise<Cost> => {
      const before = cpuMicroseconds(each.pids);
      const operations = await each.do(index => {
        return { act: 'mix', keys, bytes, seconds: SECONDS, writePart: WRITE_PART, seed: 10 * turn + index };
      });
      return { rate: operations / SECONDS, cpu: (cpuMicroseconds(each.pids) - before) / operations };
    });
    const [ours = [], ...peers] = measured;
    return peers.flatMap((peer, index) => {
      const peerName = users[index + 1]?.way ?? '';
      const both = (figure: 'rate' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
      return [
        versus(`${name}: operations`, both('rate'), { unit: '1/s', peerName }),
        versus(`${name}: CPU an operation`, both('cpu'), { unit: 'us', less: true, peerName }),
      ];
    });
  });
}

/** What 8 processes take beyond what they take with nothing, when each has read all of 256 MiB. */
async function compareMemory(): Promise<Result[]> {
  const name = 'memory of 8 processes that hold 256 MiB';
  if (!isWanted(name)) return [];
  const [bytes, keys] = [16 * KiB, SET_BYTES / (16 * KiB)];
  const taken: number[] = [];
  const ways: Way[] = ['iolite', 'lru', 'redis'];
  for (const way of ways) {
    await withUsers(
      8,
      async ([users]) => {
        const all = users as Users;
        await all.do(() => ({ act: 'read', keys: 1, bytes }));
        const before = memoryBytes(all.pids);
        await all.do((first, step) => ({ act: 'fill', keys, bytes, first, step }));
        await all.do(() => ({ act: 'read', keys, bytes }));
        taken.push((memoryBytes(all.pids) - before) / SET_BYTES);
      },
      [way],
    );
  }
  const [ours = 0, ...peers] = taken;
  return peers.map((peer, index) =>
    versus(name, [ours, peer], { unit: 'sets', less: true, peerName: ways[index + 1] ?? '' }),
  );
}

const results: Result[] = [];
for (const processes of PROCESSES)
  for (const bytes of SIZES) results.push(...(await compareMix(processes, bytes)));
results.push(...(await compareMemory()));
report('shared', results);
