import { readFileSync } from 'node:fs';

/** Ended, and waiting for its parent; or not even that: proc_pid_stat(5). */
const ENDED = new Set(['Z', 'X', 'x']);

/**
 * Whether a process may run code of its own yet. One that has ended does not, though its parent has not been
 * told yet. In doubt it may: another process may have its number by now, or it is of another namespace.
 */
export function mayRun(pid: number): boolean {
  if (pid <= 0) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !ENDED.has(stat[stat.lastIndexOf(')') + 2] as string);
  } catch {
    return true;
  }
}
