import { readdirSync, readFileSync } from 'node:fs';

/** A hundredth of a second on each Linux that Node.js runs on: sysconf(_SC_CLK_TCK). */
const TICK_US = 10_000;
/** Fields of /proc/<pid>/stat, counted from what follows the name (proc(5)). */
const PARENT_AT = 1;
const USER_AT = 11;
const SYSTEM_AT = 12;

/** A process with all that it has started, as they are now. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? Number(statOf(pid)?.[PARENT_AT]) : Number.NaN;
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** What processes have computed since they began, user and system, in microseconds. */
export function cpuMicroseconds(pids: readonly number[]): number {
  return sumOf(pids, pid => {
    const stat = statOf(pid);
    if (stat === undefined) return 0;
    return (Number(stat[USER_AT]) + Number(stat[SYSTEM_AT])) * TICK_US;
  });
}

/** The memory of processes in bytes: what several map is shared out among them (PSS). */
export function memoryBytes(pids: readonly number[]): number {
  return sumOf(pids, pid => 1024 * figureOf(pid, 'smaps_rollup', /^Pss: +([0-9]+)/m));
}

/** What processes had the kernel read from the disk since they began, in bytes. */
export function diskBytes(pids: readonly number[]): number {
  return sumOf(pids, pid => figureOf(pid, 'io', /^read_bytes: +([0-9]+)/m));
}

/** Ends a process and all that it has started, now. */
export function killTree(root: number): void {
  for (const pid of treeOf(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
}

function sumOf(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + of(pid), 0);
}

function figureOf(pid: number, file: string, pattern: RegExp): number {
  return Number(pattern.exec(read(pid, file) ?? '')?.[1] ?? 0);
}

function statOf(pid: number): string[] | undefined {
  const stat = read(pid, 'stat');
  // The name may have spaces and brackets in it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Undefined when the process is gone. */
function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return undefined;
  }
}
