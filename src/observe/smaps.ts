import { readdir, readFile, readlink, stat } from 'node:fs/promises';

/** What a process has mapped, in bytes. */
export interface ProcessMemory {
  /** Address space that maps chunks of iolite, touched or not. */
  readonly mapped: number;
  /** The proportional set size of these: each page in the page table counts, divided by how many map it. */
  readonly chunkPss: number;
  /** The proportional set size of the whole process. */
  readonly pss: number;
}

/** As memfd names its files (memfd_create(2)), and chunks theirs. */
const CHUNK_FILE = '/memfd:iolite:';
/** What stat(2) counts the room of a file in. */
const BLOCK_BYTES = 512;
const KIB_BYTES = 1024;

/**
 * Reads the memory of a process from `/proc/<pid>/smaps` and `smaps_rollup` (proc_pid_smaps(5)). The kernel
 * walks the page tables for it: milliseconds for a process with much memory.
 * @returns undefined when there is no such process any more
 * @throws EACCES for a process that we may not inspect
 */
export async function readProcessMemory(pid: number): Promise<ProcessMemory | undefined> {
  const [mappings, rollup] = await Promise.all([
    readIfThere(`/proc/${pid}/smaps`),
    readIfThere(`/proc/${pid}/smaps_rollup`),
  ]);
  // A process that has exited and was not waited for has no mappings.
  if (!mappings || !rollup) return undefined;
  return { ...sumChunks(mappings), pss: bytesOf(/^Pss: .*$/m.exec(rollup)?.[0]) };
}

/** Sums up the mappings of chunks in the text of an smaps file. */
export function sumChunks(smaps: string): { mapped: number; chunkPss: number } {
  let mapped = 0;
  let chunkPss = 0;
  let inChunk = false;
  for (const line of smaps.split('\n')) {
    // A mapping begins with its address range in small hexadecimal digits, a field with a capital letter.
    if (/^[0-9a-f]/.test(line)) inChunk = line.includes(` ${CHUNK_FILE}`);
    else if (inChunk && line.startsWith('Size:')) mapped += bytesOf(line);
    else if (inChunk && line.startsWith('Pss:')) chunkPss += bytesOf(line);
  }
  return { mapped, chunkPss };
}

/**
 * Physical memory of the chunks that this process owns or holds a descriptor of: the pages that their files
 * have allocated, each file once, whoever has touched or mapped them.
 */
export async function readChunkFiles(): Promise<{ files: number; bytes: number }> {
  const sizes = new Map<number, number>();
  for (const name of await readdir('/proc/self/fd')) {
    const path = `/proc/self/fd/${name}`;
    const target = await ifThere(readlink(path));
    if (target?.startsWith(CHUNK_FILE) !== true) continue;
    const file = await ifThere(stat(path));
    if (file !== undefined) sizes.set(file.ino, file.blocks * BLOCK_BYTES);
  }
  return { files: sizes.size, bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

/** The bytes of a line that states them in kB. */
function bytesOf(line = ''): number {
  return Number(/\d+(?= kB)/.exec(line)?.[0] ?? 0) * KIB_BYTES;
}

function readIfThere(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'latin1'));
}

/** Undefined for what vanished before or while it was looked at. */
async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
