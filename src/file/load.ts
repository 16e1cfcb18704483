import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Pool } from '../aggregate/pool.ts';
import { MAX_CHUNK_BYTES } from '../memory/chunk.ts';
import { IoliteError } from '../os/error.ts';
import { dropPageCache } from '../os/page-cache.ts';

/** What tells one version of a file from another. */
export interface FileVersion {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A file's content as it was at one moment, and what identifies it. */
export interface LoadedFile {
  readonly version: FileVersion;
  /** The caller's to release. */
  readonly content: Aggregate;
  /**
   * Whether a later change must show in the version. A file changed a moment ago can change again within the
   * same tick of the file system's clock.
   */
  readonly settled: boolean;
}

export interface LoadOptions {
  readonly pool: Pool;
  /** A real path: files that lie elsewhere, symbolic links followed, are refused with EACCES. */
  readonly root?: string | undefined;
}

/** How often a file that changes while it is read is read again. */
const TRIES = 5;
/** The coarsest clock of local file systems ticks every 10 ms; a few of these. */
const SETTLE_NS = 50_000_000n;
const READ_BYTES = 16 * 1024 ** 2;
/** Files of this size and more leave the page cache after they were read. */
const DROP_BYTES = 256 * 1024;
/** O_NONBLOCK: opening a FIFO must not wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The version of a file on disk now. @throws ENOENT, EACCES, EISDIR, ERR_IOLITE_FILE, ... */
export async function currentVersion(path: string, root: string | undefined): Promise<FileVersion> {
  return withFile(path, root, handle => versionOf(handle, path));
}

/**
 * Reads a file into a buffer of the pool: all of one version, or an error. Disk reads happen outside the
 * event loop, straight into the buffer.
 * @throws ENOENT, EACCES, EISDIR, ELOOP, EMFILE, EIO; ERR_IOLITE_FILE for what is no regular file, is too
 * large for one buffer, or kept changing; ERR_IOLITE_LIMIT when the pool is full
 */
export async function loadFile(path: string, { pool, root }: LoadOptions): Promise<LoadedFile> {
  return withFile(path, root, async handle => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const before = await versionOf(handle, path);
      const content = await readAll(handle, before.size, pool);
      if (content === undefined) continue;
      const after = await versionOf(handle, path).catch(error => {
        content.release();
        throw error;
      });
      if (sameVersion(before, after)) {
        if (before.size >= DROP_BYTES) dropPageCache(handle.fd);
        return { version: after, content, settled: isSettled(after) };
      }
      content.release();
    }
    throw new IoliteError(
      'ERR_IOLITE_FILE',
      `Cannot read ${path}: it changed ${TRIES} times while it was read`,
    );
  });
}

/** Whether two versions are one. */
export function sameVersion(a: FileVersion, b: FileVersion): boolean {
  return (
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.size === b.size &&
    a.inode === b.inode &&
    a.device === b.device
  );
}

async function withFile<T>(
  path: string,
  root: string | undefined,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, FLAGS);
  try {
    if (root !== undefined) await checkInside(handle, path, root);
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** The kernel says what was really opened: no link can be exchanged between this check and the reading. */
async function checkInside(handle: FileHandle, path: string, root: string): Promise<void> {
  const real = await readlink(`/proc/self/fd/${handle.fd}`);
  const prefix = root.endsWith(sep) ? root : root + sep;
  if (real !== root && !real.startsWith(prefix)) {
    throw new IoliteError('EACCES', `Cannot read ${path}: it lies outside of ${root}`);
  }
}

async function versionOf(handle: FileHandle, path: string): Promise<FileVersion> {
  const stat = await handle.stat({ bigint: true });
  if (stat.isDirectory()) throw new IoliteError('EISDIR', `Cannot read ${path}: it is a directory`);
  if (!stat.isFile())
    throw new IoliteError('ERR_IOLITE_FILE', `Cannot read ${path}: it is not a regular file`);
  const size = Number(stat.size);
  if (size > MAX_CHUNK_BYTES / 2) {
    throw new IoliteError(
      'ERR_IOLITE_FILE',
      `Cannot read ${path}: it has ${size} bytes, ${MAX_CHUNK_BYTES / 2} are the most`,
    );
  }
  return { device: stat.dev, inode: stat.ino, size, mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs };
}

/** The first `size` bytes of a file. @returns undefined when it has fewer, or more, by now */
async function readAll(handle: FileHandle, size: number, pool: Pool): Promise<Aggregate | undefined> {
  const draft = pool.allocate(size);
  try {
    const { bytes } = draft;
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(READ_BYTES, size - filled), filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const beyond = await handle.read(Buffer.alloc(1), 0, 1, size);
    if (filled < size || beyond.bytesRead > 0) {
      draft.discard();
      return undefined;
    }
    return draft.seal();
  } catch (error) {
    draft.discard();
    throw error;
  }
}

function isSettled({ mtimeNs, ctimeNs }: FileVersion): boolean {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return BigInt(Date.now()) * 1_000_000n - latest > SETTLE_NS;
}
