import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { MARK_BYTES, markOf } from './marked-pages.ts';

const PAGE_BYTES = 4096;
const STEP_BYTES = 2 ** 20;
const ENTRY_BYTES = 8;
/** /proc/<pid>/pagemap (proc(5)). */
const PRESENT = 1n << 63n;
const FRAME_MASK = (1n << 55n) - 1n;

/** Where the bytes of one page are in the memory of some processes. */
export interface Found {
  /** Physical pages: one for each copy. */
  readonly frames: ReadonlySet<bigint>;
  readonly pids: ReadonlySet<number>;
}

/** Why physical pages cannot be told apart here; undefined if they can. For `skip` of a test. */
export function framesRefusal(): string | undefined {
  try {
    const maps = readFileSync('/proc/self/maps', 'latin1');
    const stackEnd = Number.parseInt(/-([0-9a-f]+) rw.*\[stack\]$/m.exec(maps)?.[1] ?? '', 16);
    const pagemap = openSync('/proc/self/pagemap', 'r');
    try {
      return frameAt(pagemap, stackEnd - PAGE_BYTES)
        ? undefined
        : 'the kernel shows page frames to root only';
    } finally {
      closeSync(pagemap);
    }
  } catch (error) {
    return `no page frames are shown: ${(error as Error).message}`;
  }
}

/**
 * Looks for marked pages (marked-pages.ts) in all memory that processes can read, and tells in which physical
 * pages they are: as many as there are copies. This process should not be among them: it may have made the
 * bytes, or received them.
 * @param seed of the marks @param count of the pages
 * @returns for each page where it is
 */
export function findPages(pids: readonly number[], seed: number, count: number): Found[] {
  const all = Array.from({ length: count }, () => ({ frames: new Set<bigint>(), pids: new Set<number>() }));
  const pages = new Map(all.map((found, page) => [markOf(seed, page).toString('latin1'), found]));
  const prefix = markOf(seed, 0).subarray(0, MARK_BYTES / 2);
  for (const pid of pids) {
    const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
    try {
      for (const { address, mark } of marksIn(pid, prefix)) {
        const found = pages.get(mark);
        const frame = frameAt(pagemap, address);
        if (found === undefined || frame === undefined) continue;
        found.frames.add(frame);
        found.pids.add(pid);
      }
    } finally {
      closeSync(pagemap);
    }
  }
  return all;
}

function* marksIn(pid: number, prefix: Buffer): Generator<{ address: number; mark: string }> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const room = Buffer.alloc(STEP_BYTES + MARK_BYTES);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r(?!.*\[v)/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end; at += STEP_BYTES) {
        const bytes = readMemory(memory, room, at, Math.min(room.length, end - at));
        for (let i = bytes.indexOf(prefix); i !== -1; i = bytes.indexOf(prefix, i + 1)) {
          if (i >= STEP_BYTES || i + MARK_BYTES > bytes.length) break;
          yield { address: at + i, mark: bytes.toString('latin1', i, i + MARK_BYTES) };
        }
      }
    }
  } finally {
    closeSync(memory);
  }
}

/** What can be read there: nothing beyond the end of a file. */
function readMemory(memory: number, room: Buffer, at: number, length: number): Buffer {
  try {
    return room.subarray(0, readSync(memory, room, 0, length, at));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return room.subarray(0, 0);
    throw error;
  }
}

/** Undefined when there is none. */
function frameAt(pagemap: number, address: number): bigint | undefined {
  const entry = Buffer.alloc(ENTRY_BYTES);
  readSync(pagemap, entry, 0, ENTRY_BYTES, Math.floor(address / PAGE_BYTES) * ENTRY_BYTES);
  const value = entry.readBigUInt64LE();
  return (value & PRESENT) === 0n ? undefined : value & FRAME_MASK;
}
