import { access, constants, lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Pool } from '../../aggregate/pool.ts';
import {
  ArgumentError,
  checkOptionNames,
  describe,
  IoliteError,
  optionNames,
  SystemError,
  systemError,
} from '../../base/error.ts';
import { ChunkPool } from '../../memory/chunk-pool.ts';
import { defaultPool } from '../../memory/default-pool.ts';
import { EEXIST } from '../../os/constants.ts';
import { checkFilePath, type FileCache } from '../cache/file-cache.ts';
import { File } from './file.ts';
import { type FileFlags, modeOf, type OpenMode } from './file-flags.ts';
import { OpenedFile } from './opened-file.ts';

/** Options of {@link openFile}. */
export interface OpenFileOptions {
  /**
   * Read what is on disk by way of this cache, which shares one copy with all who read there, and tell it of
   * new versions.
   */
  readonly cache?: FileCache;
  /**
   * Where what is read from disk by this File, and copied of strings and bytes that are written to it, goes.
   * Default: one that all processes of the same user may be given buffers of. What others wrote to the file
   * and have not synced lies in their pools, as what a cache has read lies in the cache's.
   */
  readonly pool?: Pool;
}

/**
 * Opens a file, to be read and written by aggregates. Symbolic links are followed, and the file they lead to
 * is the one that {@link File.sync} replaces. A file that is new, by 'w' or 'a', is on disk after its first
 * sync; one that 'w' begins anew keeps its old content there until then.
 * @param flags as of `fs.open`, default 'r'
 * @throws ENOENT, EACCES, EEXIST, EISDIR, ELOOP, EROFS, EMFILE, ... as the system says; ERR_IOLITE_FILE for
 *   what is no regular file, and for one to be written that has several names (hard links), as a new version
 *   would leave the others behind; ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { openFile } from 'iolite';
 *
 * const folder = mkdtempSync('/tmp/iolite-example-');
 * const file = await openFile(`${folder}/greeting`, 'w');
 * await file.append('hello, world');
 * using before = await file.read(0, 5);
 * await file.write(0, 'J');
 * await file.sync(); // on disk, and durable
 * using after = await file.read(0, 5);
 * assert.equal(`${before} ${after}`, 'hello Jello');
 * await file.close();
 * rmSync(folder, { recursive: true });
 * ```
 */
export async function openFile(
  path: string,
  flags: FileFlags = 'r',
  options: OpenFileOptions = {},
): Promise<File> {
  checkFilePath(path);
  const mode = modeOf(flags);
  const { cache, pool } = checkOptions(options);
  const real = await resolve(path, mode);
  if (mode.writable) await checkWritable(real, mode);
  const route = cache === undefined ? undefined : { cache, path };
  const opened = await OpenedFile.join(real, mode.create, route);
  try {
    if (mode.writable) checkNames(opened);
    if (mode.truncate) opened.truncate(0);
    return new File(opened, mode.writable, { route, pool });
  } catch (error) {
    await opened.leave(route);
    throw error;
  }
}

/** The path without symbolic links, also of a file that is not there yet. */
async function resolve(path: string, { create, exclusive }: OpenMode): Promise<string> {
  try {
    const real = await realpath(path);
    if (exclusive) throw alreadyThere(path);
    return real;
  } catch (error) {
    if (!create || (error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw systemError(error, `Cannot open ${path}`);
  }
  if (path.endsWith('/')) throw new IoliteError('EISDIR', `Cannot open ${path}: it names a directory`);
  try {
    const real = join(await realpath(dirname(path)), basename(path));
    if (exclusive && OpenedFile.isNew(real)) throw alreadyThere(path);
    // A link to nowhere: where it leads is not ours to guess.
    const isLink = await lstat(real).catch(() => undefined);
    if (isLink?.isSymbolicLink()) await realpath(real);
    return real;
  } catch (error) {
    throw systemError(error, `Cannot create ${path}`);
  }
}

/** Whether the system would let us write the file, and put another in its place. */
async function checkWritable(path: string, { create }: OpenMode): Promise<void> {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const handle = await open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    await handle.close();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENXIO')
      throw new IoliteError('ERR_IOLITE_FILE', `Cannot write ${path}: it is no regular file`);
    if (!create || code !== 'ENOENT') throw systemError(error, `Cannot write ${path}`);
  }
  await access(dirname(path), constants.W_OK | constants.X_OK).catch(error => {
    throw systemError(error, `Cannot replace ${path}: its folder cannot be written`);
  });
}

function checkNames({ disk, path }: OpenedFile): void {
  if (disk === undefined || disk.names <= 1) return;
  throw new IoliteError('ERR_IOLITE_FILE', `Cannot write ${path}: it has ${disk.names} names`);
}

const NAMES = optionNames<OpenFileOptions>({ cache: true, pool: true });

function checkOptions(options: unknown): { cache: FileCache | undefined; pool: ChunkPool } {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot open file: options are wanted, ${describe(options)} was given`);
  checkOptionNames(options, NAMES, 'open file');
  const { cache, pool } = options as OpenFileOptions;
  if (cache !== undefined && typeof cache?.snapshot !== 'function')
    throw new ArgumentError(`Cannot open file: a file cache is wanted, ${describe(cache)} was given`);
  const chunks = pool === undefined ? defaultPool() : pool?.chunks;
  if (!(chunks instanceof ChunkPool))
    throw new ArgumentError(`Cannot open file: a pool is wanted, ${describe(pool)} was given`);
  return { cache, pool: chunks };
}

function alreadyThere(path: string): SystemError {
  return new SystemError('open', EEXIST, `Cannot create ${path}`);
}
