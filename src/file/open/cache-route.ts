import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { FileCache } from '../cache/file-cache.ts';
import type { DiskVersion } from './disk-version.ts';

/** A cache that an open file is read through, and the path that the cache knows the file by. */
export interface CacheRoute {
  readonly cache: FileCache;
  readonly path: string;
}

/** A file changed this recently can have been changed again within a tick of its clock, unseen by a cache. */
const SETTLED_NS = 2_000_000_000n;

/**
 * Bytes `start` to `end` by way of a cache, if what that has is certain to be the same version; the caller
 * releases them. The cache failing is no failure.
 * @param realPath where the file is
 */
export async function readThrough(
  { cache, path }: CacheRoute,
  disk: DiskVersion,
  realPath: string,
  start: number,
  end: number,
): Promise<Aggregate | undefined> {
  if (disk.made !== undefined) return undefined;
  const { mtimeNs } = disk.version;
  try {
    using known = disk.inCache(cache, realPath);
    if (known !== undefined) return await known.read(start, end);
    if (BigInt(Date.now()) * 1_000_000n - mtimeNs < SETTLED_NS) return undefined;
    using snapshot = await cache.snapshot(path);
    const same = snapshot.size === disk.size && snapshot.mtimeMs === Number(mtimeNs / 1_000_000n);
    return same ? await snapshot.read(start, end) : undefined;
  } catch {
    return undefined;
  }
}

/** The version on disk is a new one, whatever comes of telling so. @param realPath where the file is */
export function tellOfVersion({ cache, path }: CacheRoute, realPath: string): void {
  try {
    cache.invalidate(path);
    cache.invalidate(realPath);
  } catch {
    // It is closed.
  }
}
