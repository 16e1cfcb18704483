import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A mapping of memory of ours: see proc_pid_maps(5). */
export interface MappingView {
  readonly inode: number;
  /** As it was named when it was made, without the prefix: that of its pool. */
  readonly name: string;
  readonly bytes: number;
  /** Whether a write there reaches the memory that others map. */
  readonly writesThrough: boolean;
}

/** What a process holds, as the kernel says. */
export interface ProcessView {
  readonly pid: number;
  readonly mappings: readonly MappingView[];
  /** Descriptors of memory of ours: inodes, with names. One inode may have several. */
  readonly memory: readonly { readonly inode: number; readonly name: string }[];
  /** How many open sockets, its standard streams apart. */
  readonly sockets: number;
  /** How many descriptors of all kinds. */
  readonly descriptors: number;
  /** Its memory, of which it has its share of what several map (PSS). */
  readonly proportionalBytes: number;
  /** Inodes that it has locked through descriptors of its own: its leases. */
  readonly locked: readonly number[];
}

const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+) +\/memfd:iolite:(\S+)/gm;
const MEMORY = /^\/memfd:iolite:(\S+)/;
const LOCK = /^lock:\s.*\s[0-9a-f]+:[0-9a-f]+:(\d+)\s/gm;
const LAST_STANDARD_FD = 2;

/** Reads what a process holds. Undefined when it is gone, or went meanwhile. */
export function viewOf(pid: number): ProcessView | undefined {
  try {
    const mappings = mappingsIn(readFileSync(`/proc/${pid}/maps`, 'latin1'));
    const memory: { inode: number; name: string }[] = [];
    const locked: number[] = [];
    let [sockets, descriptors] = [0, 0];
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const link = linkOf(`/proc/${pid}/fd/${fd}`);
      if (link === undefined) continue;
      descriptors += 1;
      if (Number(fd) > LAST_STANDARD_FD && link.startsWith('socket:')) sockets += 1;
      const name = MEMORY.exec(link)?.[1];
      if (name === undefined) continue;
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
      memory.push({ inode: Number(/^ino:\s+(\d+)/m.exec(info)?.[1]), name });
      for (const [, inode] of info.matchAll(LOCK)) locked.push(Number(inode));
    }
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const proportionalBytes = 1024 * Number(/^Pss: +(\d+)/m.exec(rollup)?.[1] ?? 0);
    return { pid, mappings, memory, sockets, descriptors, proportionalBytes, locked };
  } catch {
    return undefined;
  }
}

/** Mappings of ours among the lines of a file `maps`. */
export function mappingsIn(maps: string): MappingView[] {
  return [...maps.matchAll(MAPPING)].map(([, from = '', to = '', rights = '', inode, name = '']) => ({
    inode: Number(inode),
    name,
    bytes: Number.parseInt(to, 16) - Number.parseInt(from, 16),
    writesThrough: rights[1] === 'w' && rights[3] === 's',
  }));
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
