/**
 * A pool of two workers, createWorkerPool() of threads and of processes, against piscina: tasks with bodies
 * of 1 KiB, 1 MiB and 100 MiB, four under way at any time. "checksum": the same body again and again, of
 * which the task tells its CRC-32; with piscina it is cloned each time, or a SharedArrayBuffer. "transform":
 * each body is filled anew and comes back with its bytes swapped, from memory of the worker's; with piscina
 * it is moved both ways (transferred), or cloned on its way there. Each pool is a program of its own; all
 * take turns. The other rows are the most memory that a program and its workers had at a time (PSS), read
 * every 10 ms: there a ratio above 1 means that ours has less. BENCH_ONLY=<text> leaves out the sizes whose
 * names lack it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KiB, MiB, median, type Result, report } from './harness.ts';
import { killTree, memoryBytes, treeOf } from './process-tree.ts';

const CHILD = fileURLToPath(new URL('./workers-child.js', import.meta.url));
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const { BENCH_ONLY: only = '' } = process.env;
const SAMPLE_MS = 10;

const SIZES = [
  { name: '1 KiB', size: KiB, times: 10_000, warmUp: 10_000 },
  { name: '1 MiB', size: MiB, times: 500, warmUp: 2000 },
  { name: '100 MiB', size: 100 * MiB, times: 4, warmUp: 8 },
];
const OURS = ['thread', 'process'] as const;
const THEIRS = { checksum: ['clone', 'shared'], transform: ['move', 'clone'] } as const;
const TASKS = ['checksum', 'transform'] as const;

interface Measured {
  readonly rates: number[];
  readonly peaks: number[];
}

async function measure(program: ChildProcess, task: string, times: number): Promise<[number, number]> {
  const pid = program.pid as number;
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, memoryBytes(treeOf(pid)));
  }, SAMPLE_MS);
  program.send({ task, times });
  const [seconds] = await once(program, 'message');
  clearInterval(sampler);
  return [times / seconds, Math.max(peak, memoryBytes(treeOf(pid)))];
}

/** Programs of one size and task, which take turns. */
async function compareAt(
  { size, times, warmUp }: (typeof SIZES)[number],
  task: (typeof TASKS)[number],
): Promise<Measured[]> {
  const programs = [...OURS, ...THEIRS[task]].map(which => fork(CHILD, [which, String(size)]));
  const measured: Measured[] = programs.map(() => ({ rates: [], peaks: [] }));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      const turns = [...programs.entries()];
      for (const [place, program] of round % 2 === 0 ? turns : turns.reverse()) {
        const [rate, peak] = await measure(program, task, round < 0 ? warmUp : times);
        // The first round warms up.
        if (round < 0) continue;
        measured[place]?.rates.push(rate);
        measured[place]?.peaks.push(peak);
      }
    }
  } finally {
    for (const { pid } of programs) killTree(pid as number);
  }
  return measured;
}

const results: Result[] = [];
for (const each of SIZES) {
  const { name } = each;
  if (!name.includes(only)) continue;
  for (const task of TASKS) {
    const measured = await compareAt(each, task);
    for (const [place, kind] of OURS.entries()) {
      for (const [after, how] of THEIRS[task].entries()) {
        const [our, their] = [measured[place], measured[OURS.length + after]];
        const head = { peerName: `piscina, ${how}` };
        const [ours, peer] = [median(our?.rates ?? []), median(their?.rates ?? [])];
        results.push({
          ...head,
          name: `${name}, ${task}, ${kind}`,
          ours,
          peer,
          unit: '1/s',
          ratio: ours / peer,
        });
        const [most, theirMost] = [Math.max(...(our?.peaks ?? [])), Math.max(...(their?.peaks ?? []))];
        results.push({
          ...head,
          name: `${name}, ${task}, ${kind}: memory`,
          ours: most / MiB,
          peer: theirMost / MiB,
          unit: 'MiB',
          ratio: theirMost / most,
        });
      }
    }
  }
}
report('workers', results);
