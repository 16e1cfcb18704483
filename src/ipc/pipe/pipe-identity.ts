import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ownFolder } from '../meet/own-folder.ts';

/** A pipe, by what the kernel calls it: no two that exist have the same. */
export interface PipeIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** The path at which its writer listens, of a user who is also the reader's. */
  readonly endpoint: string;
}

/** An end of a pipe. */
export type PipeEnd = 'read' | 'write';

/** How a descriptor is open: bits of its flags, open(2). */
const O_ACCMODE = 0x3;
const O_RDWR = 0x2;
const MODES: Record<PipeEnd, number> = { read: 0x0, write: 0x1 };

/** The pipe, or named pipe, behind a descriptor; undefined when it is something else, and where
 * there is no place for a name of ours. */
export function identifyPipe(fd: number): PipeIdentity | undefined {
  const stats = fstatSync(fd, { bigint: true });
  if (!stats.isFIFO()) return undefined;
  const { dev: device, ino: inode } = stats;
  const folder = ownFolder();
  if (folder === undefined) return undefined;
  return { device, inode, endpoint: join(folder, `pipe-${device}-${inode}`) };
}

/**
 * Whether a process has an end of a pipe open, by what /proc shows of it: so a process that only knows the
 * pipe's name is told from its reader or writer. False also when we may not look (another user's process),
 * and where there is no /proc. Costs two system calls for each descriptor of the process.
 */
export function holdsPipe(pid: number, pipe: PipeIdentity, end: PipeEnd): boolean {
  // The kernel says 0 of a process outside of our process namespace.
  if (pid <= 0) return false;
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => isEnd(pid, fd, pipe, end));
  } catch {
    return false;
  }
}

function isEnd(pid: number, fd: string, { device, inode }: PipeIdentity, end: PipeEnd): boolean {
  const stats = statSync(`/proc/${pid}/fd/${fd}`, { bigint: true, throwIfNoEntry: false });
  if (stats?.dev !== device || stats.ino !== inode) return false;
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1];
  const mode = Number.parseInt(flags ?? '', 8) & O_ACCMODE;
  return flags !== undefined && (mode === MODES[end] || mode === O_RDWR);
}
