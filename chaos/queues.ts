import { readFileSync } from 'node:fs';

/**
 * Watches how long processes wait for a processor: on a machine that has too much to do one may have none for
 * seconds, and is not stuck for that.
 * @param pids of those that live, whenever it is asked
 * @returns milliseconds: the longest that one of them has waited since, when it is called
 */
export function watchQueues(pids: () => readonly number[]): () => number {
  const before = new Map(pids().map(pid => [pid, queuedMs(pid)]));
  return () => Math.max(0, ...pids().map(pid => queuedMs(pid) - (before.get(pid) ?? 0)));
}

/** What the first thread of a process has waited in all (schedstat, proc(5)). 0 when it is gone. */
function queuedMs(pid: number): number {
  try {
    const [, nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    return 0;
  }
}
