import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';

/**
 * What a process can read of another's memory without having been given it. Each a count of successes, or a
 * code.
 */
export interface Loot {
  /** Listing the victim's descriptors and mapped files. */
  readonly descriptors: string;
  readonly mapFiles: string;
  /** Descriptors and mapped files that could be opened all the same, by guessing. */
  readonly opened: number;
  readonly memory: string;
  /** Names that might lead to a memfd. */
  readonly names: number;
  /** The secret, found in what this process has mapped or can open. */
  readonly secretSeen: boolean;
  /** Own descriptors of memfds that could be written. */
  readonly written: number;
}

const SECRET = 'not for you';

/** @param size of the victim's largest descriptor that is guessed */
export async function attack(
  victim: number,
  size: number,
): Promise<{ readonly [key in keyof Loot]: Loot[key] }> {
  const own = readdirSync('/proc/self/fd').filter(fd => linkOf(fd).startsWith('/memfd:iolite'));
  const guessed = Array.from({ length: size }, (_, fd) => `/proc/${victim}/fd/${fd}`);
  const names = ['secret', 'pool', 'shared'].flatMap(name => [
    `/memfd:iolite:${name}`,
    `/memfd:iolite:${name} (deleted)`,
    `/dev/shm/memfd:iolite:${name}`,
    `/dev/shm/iolite:${name}`,
  ]);
  return {
    descriptors: codeOf(() => readdirSync(`/proc/${victim}/fd`)),
    mapFiles: codeOf(() => readdirSync(`/proc/${victim}/map_files`)),
    opened: guessed.filter(path => codeOf(() => closeSync(openSync(path, 'r'))) === 'done').length,
    memory: codeOf(() => closeSync(openSync(`/proc/${victim}/mem`, 'r'))),
    names: names.filter(path => codeOf(() => closeSync(openSync(path, 'r'))) === 'done').length,
    secretSeen: own.some(fd => readFileSync(`/proc/self/fd/${fd}`).includes(SECRET)) || ownMemoryHas(SECRET),
    written: own.filter(fd => codeOf(() => writeSync(Number(fd), 'x', 4096)) === 'done').length,
  };
}

/** Looks through this process's own mappings of memfds. */
function ownMemoryHas(text: string): boolean {
  const memory = openSync('/proc/self/mem', 'r');
  try {
    return readFileSync('/proc/self/maps', 'latin1')
      .split('\n')
      .filter(line => line.includes('/memfd:iolite'))
      .some(line => {
        const [start = 0, end = 0] = line
          .split(' ')[0]!
          .split('-')
          .map(each => Number.parseInt(each, 16));
        const bytes = Buffer.alloc(end - start);
        readSync(memory, bytes, 0, bytes.length, start);
        return bytes.includes(text);
      });
  } finally {
    closeSync(memory);
  }
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
