import { fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { closeDescriptor } from '../../os/descriptor.ts';
import { beginReading, openCached, readCached } from '../../os/page-cache.ts';
import type { Target } from '../../store/placement.ts';
import { type FileVersion, isSettled, sameVersion, untilCalm, versionOf } from '../version/file-version.ts';
import type { LoadedFile, LoadOptions } from './load.ts';

/** As {@link LoadOptions} has them. */
interface NowOptions<T extends Target> extends Pick<LoadOptions<T>, 'largest'> {
  /** Memory for a file of this size; undefined when there is none just now. */
  allocate(size: number): T | undefined;
}

/** What is read without giving others a turn: some tens of microseconds. */
const MAX_NOW_BYTES = 256 * 1024;

const readAsync = promisify(read);
const PAGE_BYTES = 4096;
/** What a byte is read into to find out whether it is in memory: of its own, so that it does not move. */
const PROBE = Buffer.allocUnsafeSlow(PAGE_BYTES).subarray(0, 1);

/**
 * Reads a file that the kernel has in memory, with its names: at once, without the thread pool, at a tenth of
 * the cost.
 * @param path a real path
 * @returns 'begun' when the kernel has it on the disk alone, and has begun to read it; undefined when it
 *   cannot be had so for another reason, whatever that is: {@link loadFile} says which
 */
export function loadNow<T extends Target>(
  path: string,
  options: NowOptions<T>,
): LoadedFile<T> | 'begun' | undefined {
  const fd = openCached(path);
  if (fd === undefined) return undefined;
  try {
    return readNow(fd, path, options);
  } catch {
    return undefined;
  } finally {
    closeDescriptor(fd);
  }
}

function readNow<T extends Target>(
  fd: number,
  path: string,
  { largest, allocate }: NowOptions<T>,
): LoadedFile<T> | 'begun' | undefined {
  const version = statOf(fd, path);
  const { size } = version;
  // A size of nothing may say nothing.
  if (size === 0 || size > Math.min(largest, MAX_NOW_BYTES) || untilCalm(version) > 0) return undefined;
  // Who allocates memory may have to make room for it: not for a file that is on the disk alone.
  if (!isCached(fd, size)) {
    beginReading(fd, size);
    return 'begun';
  }
  const target = allocate(size);
  if (target === undefined) return undefined;
  let isRead = false;
  try {
    isRead = fill(fd, target) && sameVersion(version, statOf(fd, path));
  } finally {
    if (!isRead) target.discard();
  }
  if (!isRead) return undefined;
  return {
    version,
    realPath: path,
    target,
    handle: undefined,
    settled: isSettled(version),
    sized: true,
  };
}

/**
 * Reads a file of which the kernel has the names in memory, by one turn of the thread pool a piece: the rest,
 * which {@link loadFile} has the thread pool do as well, takes no time then.
 * @param path a real path
 * @returns undefined when it cannot be had so, or has changed meanwhile: {@link loadFile} says which
 */
export async function loadSoon<T extends Target>(
  path: string,
  options: LoadOptions<T>,
): Promise<LoadedFile<T> | undefined> {
  const fd = openCached(path);
  if (fd === undefined) return undefined;
  try {
    const version = statOf(fd, path);
    const { size } = version;
    if (size === 0 || size > options.largest || untilCalm(version) > 0) return undefined;
    const target = await options.allocate(size);
    return await readSoon(fd, path, version, target);
  } catch {
    return undefined;
  } finally {
    closeDescriptor(fd);
  }
}

async function readSoon<T extends Target>(
  fd: number,
  path: string,
  version: FileVersion,
  target: T,
): Promise<LoadedFile<T> | undefined> {
  let isRead = false;
  try {
    let position = 0;
    for (const { bytes } of target.pieces) {
      const { bytesRead } = await readAsync(fd, bytes, 0, bytes.length, position);
      if (bytesRead < bytes.length) return undefined;
      position += bytesRead;
    }
    isRead = sameVersion(version, statOf(fd, path));
  } finally {
    if (!isRead) target.discard();
  }
  if (!isRead) return undefined;
  const settled = isSettled(version);
  return { version, realPath: path, target, handle: undefined, settled, sized: true };
}

/** Whether both ends are in memory, between which most files have all or nothing. */
function isCached(fd: number, size: number): boolean {
  if (readCached(fd, PROBE, 0) === 0) return false;
  return size <= PAGE_BYTES || readCached(fd, PROBE, size - 1) > 0;
}

function fill(fd: number, target: Target): boolean {
  let position = 0;
  for (const { bytes } of target.pieces) {
    if (readCached(fd, bytes, position) < bytes.length) return false;
    position += bytes.length;
  }
  return true;
}

function statOf(fd: number, path: string): FileVersion {
  return versionOf(fstatSync(fd, { bigint: true }), path);
}
