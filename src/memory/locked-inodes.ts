import { readdirSync, readFileSync } from 'node:fs';

/** Descriptors of a process that are looked at, at 10 us each. */
const MAX_DESCRIPTORS = 2048;
/** `lock:	1: OFDLCK ADVISORY  READ -1 00:01:1029 0 EOF`, with the inode after the device. */
const LOCK = /^lock:\s.*\s[0-9a-f]+:[0-9a-f]+:(\d+)\s/gm;

/**
 * The inodes of files that a process has locked through descriptors of its own: see proc_pid_fdinfo(5). Opens
 * and follows nothing of the process's.
 * @returns undefined when it may not be looked at, is gone, or has too many descriptors
 */
export function lockedInodes(pid: number): ReadonlySet<number> | undefined {
  const folder = `/proc/${pid}/fdinfo`;
  try {
    const names = readdirSync(folder);
    if (names.length > MAX_DESCRIPTORS) return undefined;
    const inodes = new Set<number>();
    for (const name of names) {
      for (const [, inode] of infoOf(`${folder}/${name}`).matchAll(LOCK)) inodes.add(Number(inode));
    }
    return inodes;
  } catch {
    return undefined;
  }
}

/** Empty when the descriptor was closed meanwhile. */
function infoOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
