import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ArgumentError, IoliteError } from '../../base/error.ts';
import { isWellFormed } from '../../base/well-formed.ts';
import { statCached } from '../../os/page-cache.ts';
import type { Target } from '../../store/placement.ts';
import { hasGrown, readsTheSame } from '../version/append.ts';
import { type FileVersion, isSettled, sameVersion, untilCalm, versionOf } from '../version/file-version.ts';
import { readUnsized } from '../version/unsized.ts';

/** Where files are read to, and how. */
export interface LoadOptions<T extends Target> {
  /** A real path: files that lie elsewhere, symbolic links followed, are refused with EACCES. */
  readonly root: string | undefined;
  /** Larger files are opened and not read. */
  readonly largest: number;
  /** Whether a symbolic link is followed that is the last name of the path. Default true. */
  readonly follow?: boolean;
  /** Memory for a file of this size, as soon as there is some. */
  allocate(size: number): T | Promise<T>;
  /** Memory with these bytes, of a file whose size says nothing. */
  copy(bytes: Buffer): T;
}

/** A file as it was at one moment. */
export interface LoadedFile<T extends Target> {
  readonly version: FileVersion;
  /** What the path led to, symbolic links followed. */
  readonly realPath: string;
  /** Its bytes; undefined for a large file. */
  readonly target: T | undefined;
  /** Of a large file: open, and the caller closes it. */
  readonly handle: FileHandle | undefined;
  /** Whether the version says all: a later change must show in it. */
  readonly settled: boolean;
  /** Whether its size told how many bytes there are. Otherwise nothing tells whether it has changed. */
  readonly sized: boolean;
  /** Whether it is being written to, without an end, and is read as far as it was when that began. */
  readonly grows?: boolean;
}

/** A file that a root excludes. Others, who ask under another root, may still be given it. */
export class OutsideError extends IoliteError {
  readonly root: string;

  constructor(path: string, root: string) {
    super('EACCES', `Cannot read ${path}: it lies outside of ${root}`);
    this.root = root;
  }
}

/** How often a file that changes while it is read is read again. */
const TRIES = 6;
/** The last tries do not wait for the file to become calm. */
const CALM_TRIES = 4;
const READ_BYTES = 16 * 1024 ** 2;
/** O_NONBLOCK: opening a FIFO must not wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The version of a file on disk now. @throws ENOENT, EACCES, EISDIR, ERR_IOLITE_FILE, ... */
export async function currentVersion(path: string): Promise<FileVersion> {
  return versionOf(await stat(path, { bigint: true }), path);
}

/**
 * Reads a file: all of one version, or an error. Disk reads happen outside of the event loop, straight into
 * the target. A file that was changed in the last milliseconds is left to become calm first.
 * @throws ENOENT, EACCES, EISDIR, ELOOP, EMFILE, ENFILE, EIO; ERR_IOLITE_FILE for what is no regular file or
 *   kept changing; what `allocate` throws
 */
export async function loadFile<T extends Target>(
  path: string,
  options: LoadOptions<T>,
): Promise<LoadedFile<T>> {
  const handle = await openFile(path, options.follow === false ? constants.O_NOFOLLOW : 0);
  let keepOpen = false;
  try {
    const realPath = await realPathOf(handle, path);
    checkInside(realPath, path, options.root);
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const version = versionOf(await handle.stat({ bigint: true }), path);
      const wait = attempt < CALM_TRIES ? untilCalm(version) : 0;
      if (wait > 0) {
        await setTimeout(wait);
        continue;
      }
      if (version.size > options.largest) {
        keepOpen = true;
        return { version, realPath, target: undefined, handle, settled: isSettled(version), sized: true };
      }
      const read = await readVersion(handle, version, path, { ...options, grows: attempt >= CALM_TRIES });
      if (read !== undefined) return { version, realPath, handle: undefined, ...read };
    }
  } finally {
    if (!keepOpen) await handle.close();
  }
  throw new IoliteError(
    'ERR_IOLITE_FILE',
    `Cannot read ${path}: it changed ${TRIES} times while it was read`,
  );
}

/** Throws EACCES unless a real path lies inside a root. */
export function checkInside(realPath: string, path: string, root: string | undefined): void {
  if (root !== undefined && !isInside(realPath, root)) throw new OutsideError(path, root);
}

/** Whether a real path lies inside a root, or is it. Without a root everything does. */
export function isInside(realPath: string, root: string | undefined): boolean {
  if (root === undefined || realPath === root) return true;
  return realPath.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * Fills pieces one after the other with what a file has from `position` on.
 * @returns how many bytes there were
 */
export async function fillPieces(
  handle: FileHandle,
  pieces: readonly { readonly bytes: Buffer }[],
  position: number,
): Promise<number> {
  let filled = 0;
  for (const { bytes } of pieces) {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(READ_BYTES, bytes.length - at);
      const { bytesRead } = await handle.read(bytes, at, length, position + filled);
      if (bytesRead === 0) return filled;
      at += bytesRead;
      filled += bytesRead;
    }
  }
  return filled;
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  // Encoded as UTF-8 it would be the name of another file.
  if (!isWellFormed(path)) {
    throw new ArgumentError('Cannot read file: its path has a surrogate that is no part of a character');
  }
  return open(path, FLAGS | flags);
}

/**
 * The kernel says what was really opened: no link can be exchanged between a check of this and the reading.
 */
async function realPathOf(handle: FileHandle, path: string): Promise<string> {
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } catch {
    return realPathWithoutProc(handle, path);
  }
}

/**
 * Where there is no /proc: the kernel says of a path without links that it is one. Of others, and where it
 * cannot say that (elsewhere than on Linux), their names are looked up again: whoever exchanges directories
 * at the right moments could have a file taken for one that lies elsewhere.
 */
async function realPathWithoutProc(handle: FileHandle, path: string): Promise<string> {
  const { dev, ino } = await handle.stat({ bigint: true });
  const cached = statCached(path);
  if (typeof cached === 'object' && cached.dev === dev && cached.ino === ino) return path;
  const named = await realpath(path);
  const found = await lstat(named, { bigint: true });
  if (found.dev === dev && found.ino === ino) return named;
  throw new IoliteError('ERR_IOLITE_FILE', `Cannot read ${path}: it changed while it was opened`);
}

/** @returns undefined when the file is not the same version any more */
async function readVersion<T extends Target>(
  handle: FileHandle,
  version: FileVersion,
  path: string,
  { allocate, copy, grows }: LoadOptions<T> & { readonly grows: boolean },
): Promise<{ target: T; settled: boolean; sized: boolean; grows?: boolean } | undefined> {
  const { size } = version;
  // Within a tick of the file system's clock what is written again leaves the stamps as they are.
  const isCalm = untilCalm(version) === 0;
  const target = await allocate(size);
  try {
    const filled = await fillPieces(handle, target.pieces, 0);
    const beyond = await handle.read(Buffer.alloc(1), 0, 1, size);
    const after = versionOf(await handle.stat({ bigint: true }), path);
    // What was appended meanwhile is of a later version. It may as well have been written anew before it was
    // read: so only a file that does not come to rest is read so.
    if (grows && filled === size && size > 0 && hasGrown(version, after)) {
      if (await readsTheSame(handle, target.pieces, 0)) return { target, settled: false, sized: true, grows };
    } else if (
      sameVersion(version, after) &&
      (isCalm || filled < size || (await readsTheSame(handle, target.pieces, 0)))
    ) {
      if (filled === size && beyond.bytesRead === 0)
        return { target, settled: isSettled(after), sized: true };
      target.discard();
      return { target: copy(await readUnsized(handle, path)), settled: false, sized: false };
    }
  } catch (error) {
    target.discard();
    throw error;
  }
  target.discard();
  return undefined;
}
