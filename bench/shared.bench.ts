/**
 * One cache for several processes: `sharedCache` against what is used today: an lru-cache in each process,
 * lmdb, and Redis over a Unix socket with and without client-side caching. 95 reads to 5 writes, by Zipf's
 * law over 100,000 keys (fewer where they would be more than 256 MiB), by 1, 4 and 8 processes with 16 loops
 * each, and then reads alone. Operations per second of all, CPU an operation (Redis' server included), and
 * what 8 processes take that hold 256 MiB in values of three sizes.
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
const HELD_SIZES = [16 * KiB, 128 * KiB, MiB];
const MOST_KEYS = 100_000;
const SET_BYTES = 256 * MiB;
/** Room for headers, and for tables of 100,000 keys. */
const BUDGET_BYTES = 512 * MiB;
/** Of operations, by what they are called. */
const WRITE_PARTS = { operations: 0.05, reads: 0 } as const;
/** After which what setting the values took has been given back, as far as it is by itself. */
const SETTLE_MS = 1500;

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
      await mix(each, { keys, bytes, writePart: WRITE_PARTS.operations, turn: 0 });
    }
    const results: Result[] = [];
    for (const [what, writePart] of Object.entries(WRITE_PARTS)) {
      const [ours = [], ...peers] = await inTurns(users, (each, turn) =>
        mix(each, { keys, bytes, writePart, turn: turn + 1 }),
      );
      for (const [index, peer] of peers.entries()) {
        const peerName = users[index + 1]?.way ?? '';
        const both = (figure: 'rate' | 'cpu') => [middle(ours, figure), middle(peer, figure)] as const;
        results.push(
          versus(`${name}: ${what}`, both('rate'), { unit: '1/s', peerName }),
          versus(`${name}: CPU of ${what}`, both('cpu'), { unit: 'us', less: true, peerName }),
        );
      }
    }
    return results;
  });
}

async function mix(
  users: Users,
  { turn, ...what }: Pick<SharedTask, 'keys' | 'bytes' | 'writePart'> & { readonly turn: number },
): Promise<Cost> {
  const before = cpuMicroseconds(users.pids);
  const operations = await users.do(index => {
    return { act: 'mix', seconds: SECONDS, seed: 10 * turn + index, ...what };
  });
  return { rate: operations / SECONDS, cpu: (cpuMicroseconds(users.pids) - before) / operations };
}

/** What 8 processes take beyond what they take with nothing, when each has read all of 256 MiB. */
async function compareMemory(bytes: number): Promise<Result[]> {
  const name = `memory of 8 processes that hold 256 MiB of ${bytes / KiB} KiB each`;
  if (!isWanted(name)) return [];
  const keys = SET_BYTES / bytes;
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
        await setTimeout(SETTLE_MS);
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
for (const bytes of HELD_SIZES) results.push(...(await compareMemory(bytes)));
report('shared', results);
