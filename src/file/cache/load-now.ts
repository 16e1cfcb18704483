import { fstatSync } from 'node:fs';
import { closeDescriptor } from '../../os/descriptor.ts';
import { dropPageCache, openCached, readCached } from '../../os/page-cache.ts';
import type { Target } from '../../store/placement.ts';
import { type FileVersion, isSettled, sameVersion, untilCalm, versionOf } from '../version/file-version.ts';
import type { LoadedFile, LoadOptions } from './load.ts';

/** As {@link LoadOptions} has them. */
interface NowOptions<T extends Target> extends Pick<LoadOptions<T>, 'largest' | 'keepPageCache'> {
  /** Memory for a file of this size; undefined when there is none just now. */
  allocate(size: number): T | undefined;
}

/** What is read without giving others a turn: some tens of microseconds. */
const MAX_NOW_BYTES = 256 * 1024;

/**
 * Reads a file that the kernel has in memory, with its names: at once, without the thread pool, at a tenth of
 * the cost.
 * @param path a real path
 * @returns undefined when it cannot be had so, for whatever reason: {@link loadFile} says which
 */
export function loadNow<T extends Target>(path: string, options: NowOptions<T>): LoadedFile<T> | undefined {
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
  { largest, keepPageCache, allocate }: NowOptions<T>,
): LoadedFile<T> | undefined {
  const version = statOf(fd, path);
  const { size } = version;
  // A size of nothing may say nothing.
  if (size === 0 || size > Math.min(largest, MAX_NOW_BYTES) || untilCalm(version) > 0) return undefined;
  const target = allocate(size);
  if (target === undefined) return undefined;
  let isRead = false;
  try {
    isRead = fill(fd, target) && sameVersion(version, statOf(fd, path));
  } finally {
    if (!isRead) target.discard();
  }
  if (!isRead) return undefined;
  if (!keepPageCache) dropPageCache(fd);
  return {
    version,
    realPath: path,
    target,
    handle: undefined,
    settled: isSettled(version),
    sized: true,
  };
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
