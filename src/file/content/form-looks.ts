import { type BigIntStats, fstatSync, statSync } from 'node:fs';
import { now } from '../../base/clock.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { namesEnding, openCached } from '../../os/page-cache.ts';
import { SETTLE_MS } from '../version/file-version.ts';
import { hasSibling, SIBLING_ENDINGS, siblingPaths } from './siblings.ts';

/** So many looks at single files cost as much as a listing of 200 names: 80 us. */
const LEAST_LOOKS = 8;
/** They are listed in the time of one look at a file, for three names that are not there. */
const LISTED_NAMES = 32;
/** Directories with more names are not listed: that would take longer than half a millisecond. */
const MAX_NAMES = 4096;
/** Directories that are remembered: 200 bytes each, and the names of forms. */
const MAX_FOLDERS = 1024;
const SETTLE_NS = BigInt(SETTLE_MS) * 1_000_000n;

/** What is known of a directory. */
interface KnownFolder {
  /** The names of forms in it, once it was listed. */
  names: ReadonlySet<string> | undefined;
  /** As it was before it was listed, or when that was last seen to be right. */
  stamps: Pick<BigIntStats, 'dev' | 'ino' | 'mtimeNs' | 'ctimeNs'> | undefined;
  /** Whether a later change must show in the stamps. */
  isSettled: boolean;
  seenAt: number;
  /** Looks at single files before it is listed. */
  looksLeft: number;
}

/**
 * Whether files have forms beside them, looked for by who waits for the answer. A look at the three names
 * that are mostly not there costs as much as to open and read the file; so a directory that is asked about
 * again is listed, and as long as it was not changed since, its files have no forms but those.
 */
export class FormLooks {
  readonly #maxStale: () => number;
  readonly #folders = new RecentMap<string, KnownFolder>(MAX_FOLDERS);

  /** @param maxStale milliseconds for which a name that was not there is taken not to be there */
  constructor(maxStale: () => number) {
    this.#maxStale = maxStale;
  }

  /**
   * When it was last seen that a file has no forms beside it, by the clock of {@link now}; that may be as
   * long ago as that counts.
   * @param path absolute, without links, on a file system of this machine; the names of its directory are in
   *   the kernel's memory, where the file's own is
   * @returns undefined for a file that has some
   */
  absentSince(path: string): number | undefined {
    const nameAt = path.lastIndexOf('/') + 1;
    const directory = path.slice(0, nameAt);
    let folder = this.#folders.get(directory);
    if (folder === undefined) {
      folder = {
        names: undefined,
        stamps: undefined,
        isSettled: false,
        seenAt: Number.NEGATIVE_INFINITY,
        looksLeft: LEAST_LOOKS,
      };
      this.#folders.set(directory, folder);
    }
    const names = this.#namesOf(folder, directory);
    if (names !== undefined && !hasSibling(path.slice(nameAt), names)) return folder.seenAt;
    folder.looksLeft -= 1;
    const since = now();
    return hasFormsBeside(path) ? undefined : since;
  }

  /** The names of forms in a directory; undefined where to list it now is not worth it, or not possible. */
  #namesOf(folder: KnownFolder, directory: string): ReadonlySet<string> | undefined {
    const { names, looksLeft } = folder;
    if (names !== undefined && folder.seenAt > now() - this.#maxStale()) return names;
    if (names === undefined && looksLeft > 0) return undefined;
    const fd = openCached(directory);
    if (fd === undefined) return putOff(folder);
    try {
      const seenAt = now();
      const stamps = fstatSync(fd, { bigint: true });
      if (names !== undefined && folder.isSettled && isSame(stamps, folder.stamps)) {
        folder.seenAt = seenAt;
        return names;
      }
      if (names !== undefined && looksLeft > 0) return putOff(folder, looksLeft);
      return list(folder, fd, stamps, seenAt);
    } catch {
      return putOff(folder);
    } finally {
      closeDescriptor(fd);
    }
  }
}

function list(
  folder: KnownFolder,
  fd: number,
  { dev, ino, mtimeNs, ctimeNs }: BigIntStats,
  seenAt: number,
): ReadonlySet<string> | undefined {
  const listing = namesEnding(fd, SIBLING_ENDINGS, MAX_NAMES);
  if (listing === undefined) return putOff(folder);
  folder.names = listing.names;
  folder.stamps = { dev, ino, mtimeNs, ctimeNs };
  // Taken before it was listed: a change meanwhile shows later, if it is told from one before.
  folder.isSettled = BigInt(Date.now()) * 1_000_000n - ctimeNs > SETTLE_NS;
  folder.seenAt = seenAt;
  // After a change it is listed again when that has paid.
  folder.looksLeft = Math.max(LEAST_LOOKS, Math.ceil(listing.count / LISTED_NAMES));
  return listing.names;
}

/** It is not listed before so many further looks at single files: as many as a listing in vain costs. */
function putOff(folder: KnownFolder, looks = MAX_NAMES / LISTED_NAMES): undefined {
  folder.names = undefined;
  folder.looksLeft = looks;
  return undefined;
}

function isSame(stamps: BigIntStats, known: KnownFolder['stamps']): boolean {
  return (
    stamps.ctimeNs === known?.ctimeNs &&
    stamps.mtimeNs === known.mtimeNs &&
    stamps.ino === known.ino &&
    stamps.dev === known.dev
  );
}

function hasFormsBeside(path: string): boolean {
  return siblingPaths(path).some(sibling => statSync(sibling, { throwIfNoEntry: false }) !== undefined);
}
