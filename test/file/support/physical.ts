import { readdirSync, readlinkSync, statSync } from 'node:fs';

/**
 * Physical memory of chunks of pools with a name, each once, as far as these processes have descriptors of
 * them.
 */
export function physicalBytes(name: string, pids: readonly number[]): number {
  const files = new Map<number, number>();
  for (const pid of pids) {
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${fd}`;
      try {
        if (!readlinkSync(path).startsWith(`/memfd:iolite:${name}`)) continue;
        const { ino, blocks } = statSync(path);
        files.set(ino, blocks * 512);
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
