import type { Stats } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkInteger } from '../../base/error.ts';
import { type Glob, literalGlob, parseGlob } from './glob.ts';

/** How far a warm-up is. */
export interface WarmProgress {
  /** Files read, and their bytes. */
  readonly files: number;
  /** Bytes that they have. */
  readonly bytes: number;
  /** Files and directories that could not be read. */
  readonly failed: number;
  /** Whether it ended early, as the cache is full: more would take the place of what was just read. */
  readonly full: boolean;
}

/** How files are read ahead. */
export interface WarmOptions {
  /** Ends it: what was read stays. */
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onProgress?: (progress: WarmProgress) => void;
  /** Files that are read at the same time. Default 8. */
  readonly concurrency?: number;
}

/** What of a cache is warmed up. */
export interface WarmTarget {
  /** Reads a file. @returns its size */
  read(path: string, signal: AbortSignal | undefined): Promise<number>;
  /** Whether nothing more can be kept without evicting. */
  isFull(): boolean;
}

const DEFAULT_PARALLEL_READS = 8;
const MAX_PARALLEL_READS = 1000;
/** A glob that is no path may have names that are too long for one. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

/**
 * Reads all files that a path or a glob names into a cache, until it is full. Never throws for a
 * single file.
 */
export async function warm(cache: WarmTarget, pattern: string, options: WarmOptions): Promise<WarmProgress> {
  const { signal, onProgress, concurrency = DEFAULT_PARALLEL_READS } = options;
  checkInteger(concurrency, 'concurrency', 1, MAX_PARALLEL_READS);
  let [files, bytes, failed] = [0, 0, 0];
  const paths = filesNamed(pattern, () => {
    failed += 1;
  });
  const readSome = async (): Promise<void> => {
    for (;;) {
      signal?.throwIfAborted();
      if (cache.isFull()) return;
      const { value: path, done } = await paths.next();
      if (done === true) return;
      try {
        const size = await cache.read(path, signal);
        bytes += size;
        files += 1;
      } catch {
        signal?.throwIfAborted();
        failed += 1;
      }
      onProgress?.({ files, bytes, failed, full: false });
    }
  };
  const readers = await Promise.allSettled(Array.from({ length: concurrency }, readSome));
  await paths.return(undefined);
  for (const reader of readers) if (reader.status === 'rejected') throw reader.reason;
  return { files, bytes, failed, full: cache.isFull() };
}

/**
 * The regular files, and links, that a path or a glob names. Links to directories are not followed: they may
 * lead in circles. A glob that names nothing is no error.
 */
async function* filesNamed(pattern: string, fail: () => void): AsyncGenerator<string, undefined> {
  const found = await find(pattern);
  if (found === undefined) return;
  const { base, matches, enters, isDirectory } = found;
  if (!isDirectory) {
    yield base;
    return;
  }
  const folders = [base];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder, { encoding: 'buffer' as BufferEncoding })) {
        const name = nameOf(entry.name as unknown as Buffer);
        if (name === undefined) {
          fail();
          continue;
        }
        const path = join(folder, name);
        if (entry.isDirectory()) {
          if (enters(path)) folders.push(path);
        } else if ((entry.isFile() || entry.isSymbolicLink()) && matches(path)) yield path;
      }
    } catch {
      fail();
    }
  }
}

/**
 * Where to look for what a pattern names. A path that is there as it is written is meant, whatever characters
 * it has.
 * @returns undefined for a glob whose base is not there
 */
async function find(pattern: string): Promise<(Glob & { isDirectory: boolean }) | undefined> {
  const literal = literalGlob(pattern);
  const there = await statOf(literal.base);
  if (there !== undefined) return { ...literal, isDirectory: there.isDirectory() };
  const glob = parseGlob(pattern);
  if (!glob.isPattern) return { ...glob, isDirectory: (await stat(glob.base)).isDirectory() };
  const base = await statOf(glob.base);
  return base?.isDirectory() ? { ...glob, isDirectory: true } : undefined;
}

/** @returns undefined when there is no such path */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (MISSING.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** A name as text; undefined for one that is not valid UTF-8, which no string names. */
function nameOf(bytes: Buffer): string | undefined {
  const name = bytes.toString();
  return Buffer.from(name).equals(bytes) ? name : undefined;
}
