import { readFile } from 'node:fs/promises';

/** Memory of a process, in bytes, and the chunks that it maps. */
export interface MappedProcess {
  /** Resident set size: shared pages count in full. */
  readonly rss: number;
  /** Address space that maps chunks, touched or not. */
  readonly mapped: number;
  /** Inodes of these chunks. */
  readonly inodes: ReadonlySet<number>;
}

/** `7f0-7f1 r--s 00000000 00:01 1029    /memfd:iolite:cache (deleted)`: see proc_pid_maps(5). */
const CHUNK = /^([\da-f]+)-([\da-f]+) \S+ \S+ \S+ (\d+) +\/memfd:iolite:/gm;
const PAGE_BYTES = 4096;

/**
 * Which chunks a process maps, by `/proc/<pid>/maps` and `statm`. Walks no page tables: some microseconds a
 * chunk.
 * @returns undefined when there is no such process, or we may not look at it
 */
export async function readProcessMaps(pid: number): Promise<MappedProcess | undefined> {
  try {
    const [maps, statm] = await Promise.all(
      ['maps', 'statm'].map(name => readFile(`/proc/${pid}/${name}`, 'latin1')),
    );
    // One that has ended and was not waited for has none.
    if (!maps) return undefined;
    return { ...chunksIn(maps), rss: Number(statm?.split(' ')[1] ?? 0) * PAGE_BYTES };
  } catch {
    return undefined;
  }
}

/** The chunks in the text of a maps file. */
export function chunksIn(maps: string): Pick<MappedProcess, 'mapped' | 'inodes'> {
  const inodes = new Set<number>();
  let mapped = 0;
  for (const [, start = '', end = '', inode] of maps.matchAll(CHUNK)) {
    mapped += Number.parseInt(end, 16) - Number.parseInt(start, 16);
    inodes.add(Number(inode));
  }
  return { mapped, inodes };
}

/** The proportional set size of a process; undefined as of {@link readProcessMaps}. Walks its page tables. */
export async function readProportionalSize(pid: number): Promise<number | undefined> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1');
    const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(rollup) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
