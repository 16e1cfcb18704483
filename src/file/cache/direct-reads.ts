import { fstatSync, read } from 'node:fs';
import type { Draft } from '../../aggregate/draft.ts';
import { Pool } from '../../aggregate/pool.ts';
import { now } from '../../base/clock.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { hasSmallMemory } from '../../os/container/small-memory.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { openCached, readCached } from '../../os/page-cache.ts';
import { FrequencySketch } from '../../store/policies/frequency-sketch.ts';
import { SERIAL_OF_UNKEPT_VERSIONS, StoredVersion } from '../../store/stored-version.ts';
import { contentTagNow } from '../content/content-tag.ts';
import { FormLooks } from '../content/form-looks.ts';
import { mayHaveForms, mediaTypeOf } from '../content/media-type.ts';
import { nextTurn } from '../load/next-turn.ts';
import { type FileVersion, isSettled, sameVersion, untilCalm, versionOf } from '../version/file-version.ts';
import { fileSystemKindNow } from '../watch/file-system.ts';
import type { FileFacts } from './file-entry.ts';

/** Larger files are left to the owner: to copy them keeps others waiting, and they are what to share. */
const MAX_BYTES = 128 * 1024;
/** For what was read and is being sent to slow readers. Beyond that the owner is asked. */
const MAX_HELD_BYTES = 16 * 1024 ** 2;
/** Files that came again and are remembered, two kilobytes each with what a server makes of them. */
const MAX_KNOWN_FILES = 8192;
const FEW_KNOWN_FILES = 1024;
/** What the sketch of those that came once is made for: 1 MiB of counters, for 100,000 files and more. */
const SKETCHED_BYTES = 512 * 1024 ** 2;
const MAX_DEVICES = 64;
/** How often a file is read here before it is proposed; and where others have to leave for it. */
const LEAST_READS = 2;
const CROWDED_LEAST_READS = 4;

/** What is known of a file that was read here more than once. */
interface KnownFile {
  readonly version: FileVersion;
  /** Whether a later change must show in the version. */
  readonly settled: boolean;
  readonly facts: FileFacts;
  /** When it was last seen that it has no forms beside it. */
  readonly formsSeenAt: number;
}

/** A file that was read here. */
export interface DirectRead {
  /** A reference, which the caller releases. */
  readonly held: StoredVersion<FileFacts>;
  /** How often it was read of late, this time included. Nothing is worth keeping of what came once. */
  readonly reads: number;
}

/** A file that is open, and room for all of it. */
interface OpenedFile {
  readonly path: string;
  readonly fd: number;
  readonly version: FileVersion;
  readonly draft: Draft;
}

/**
 * Files that an attached domain reads itself, because the owner of the cache has not given them: a question
 * to the owner costs several times as much, and most of what is asked for once is not asked for again soon.
 * Each read is a copy of its own, of what the disk has now; nothing of it is kept but a count, and from the
 * second time on what is known of the file. What comes again is for the cache: see {@link DirectReads.news}.
 * What is not kept there stays in the kernel's page cache.
 *
 * Left to the owner are large files, files with forms beside them, what symbolic links lead to, what was
 * changed a moment ago, and file systems of other machines.
 */
export class DirectReads implements Disposable {
  readonly #maxStale: () => number;
  readonly #forms: FormLooks;
  readonly #pool = new Pool({ name: 'direct', memory: 'heap', limit: MAX_HELD_BYTES });
  readonly #known = new RecentMap<string, KnownFile>(hasSmallMemory() ? FEW_KNOWN_FILES : MAX_KNOWN_FILES);
  /** From the disk, just now. */
  readonly #reading = new Set<string>();
  /** What the kernel did not have, as long as nobody else had a turn. */
  #left: OpenedFile | undefined;
  /** How often files were read of late, also those that came once. */
  readonly #reads = new FrequencySketch(SKETCHED_BYTES);
  /** By device, whether what is known of its files is in the memory of this machine. */
  readonly #devices = new RecentMap<bigint, boolean>(MAX_DEVICES);

  /** @param maxStale milliseconds for which a file without forms is taken to have none */
  constructor(maxStale: () => number) {
    this.#maxStale = maxStale;
    this.#forms = new FormLooks(maxStale);
  }

  /**
   * Reads a file as it is now, if the kernel has it in memory. Some twenty microseconds, and one copy. Has
   * the kernel begin to read what it does not have.
   * @param path absolute
   * @returns undefined when it is not to be had so, for whatever reason: see {@link readSoon}
   */
  read(path: string): DirectRead | undefined {
    const opened = this.#open(path);
    if (opened === undefined) return undefined;
    if (readCached(opened.fd, opened.draft.bytes, 0) < opened.version.size) {
      this.#leave(opened);
      return undefined;
    }
    return this.#finish(opened);
  }

  /**
   * Reads a file as it is now, from the disk too: when others have had their turn, or by one of the thread
   * pool.
   * @param path absolute
   * @returns undefined when it is not to be had so, for whatever reason, and when it is being read already:
   *   the owner says which, and is asked once for all who want it
   */
  async readSoon(path: string): Promise<DirectRead | undefined> {
    if (this.#reading.has(path)) return undefined;
    const begun = this.#takeLeft(path);
    const opened = begun ?? this.#open(path);
    if (opened === undefined) return undefined;
    this.#reading.add(path);
    const count = (begun && (await readBegun(begun))) ?? (await readWhole(opened));
    this.#reading.delete(path);
    if (count === opened.version.size) return this.#finish(opened);
    close(opened);
    return undefined;
  }

  /**
   * How many reads the owner is to be told of in proposing a file that was just read here, as it is likely to
   * come again: at the second time, and each time that it has come twice as often. 0: it is not told.
   * @param isCrowded whether others leave the cache for what comes: to bring a file there costs as much as to
   *   read it some five times, so that it is to come for a fourth time
   */
  news({ reads }: DirectRead, isCrowded = false): number {
    const least = isCrowded ? CROWDED_LEAST_READS : LEAST_READS;
    if (reads < least || (reads & (reads - 1)) !== 0) return 0;
    return reads === least ? reads : reads / 2;
  }

  /** The owner has given it: what is known of it is known from there. */
  forget(path: string): void {
    this.#known.delete(path);
  }

  close(): void {
    this.#dropLeft();
    this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @returns what the caller closes; undefined for what is left to the owner */
  #open(path: string): OpenedFile | undefined {
    // Such a path is not the file's real one.
    if (path.includes('//')) return undefined;
    const fd = openCached(path);
    if (fd === undefined) return undefined;
    let opened: OpenedFile | undefined;
    try {
      const version = stampsOf(fd, path);
      const { size, device } = version;
      // A size of nothing may say nothing.
      if (size > 0 && size <= MAX_BYTES && untilCalm(version) === 0 && this.#isNear(device, path))
        opened = { path, fd, version, draft: this.#pool.allocate(size) };
    } catch {
      // The owner says why.
    }
    if (opened === undefined) closeDescriptor(fd);
    return opened;
  }

  /** What the kernel does not have is most likely read by {@link readSoon} at once, or never. */
  #leave(opened: OpenedFile): void {
    this.#dropLeft();
    this.#left = opened;
    queueMicrotask(this.#dropLeft);
  }

  #takeLeft(path: string): OpenedFile | undefined {
    const left = this.#left;
    if (left?.path !== path) return undefined;
    this.#left = undefined;
    return left;
  }

  readonly #dropLeft = (): void => {
    if (this.#left !== undefined) close(this.#left);
    this.#left = undefined;
  };

  #finish(opened: OpenedFile): DirectRead | undefined {
    try {
      return this.#filled(opened);
    } catch {
      return undefined;
    } finally {
      close(opened);
    }
  }

  /** What was read, if it is one version. Seals its draft. */
  #filled({ path, fd, version, draft }: OpenedFile): DirectRead | undefined {
    if (!sameVersion(version, stampsOf(fd, path))) return undefined;
    const known = this.#known.get(path);
    const isSame = known?.settled === true && sameVersion(known.version, version);
    const mediaType = isSame ? known.facts.mediaType : mediaTypeOf(path);
    const isSeen = isSame && known.formsSeenAt > now() - this.#maxStale();
    const formsSeenAt = isSeen ? known.formsSeenAt : this.#formsAbsentSince(path, mediaType);
    if (formsSeenAt === undefined) return undefined;
    const facts = isSame ? known.facts : factsOf(version, draft.bytes, mediaType);
    if (facts === undefined) return undefined;
    const reads = this.#reads.add(path);
    if (reads > 1 && (known?.facts !== facts || known.formsSeenAt !== formsSeenAt))
      this.#known.set(path, {
        version,
        settled: isSettled(version),
        facts,
        formsSeenAt,
      });
    return { held: new StoredVersion(path, SERIAL_OF_UNKEPT_VERSIONS, facts, draft.seal()), reads };
  }

  /** @returns undefined for a file with forms beside it */
  #formsAbsentSince(path: string, mediaType: string): number | undefined {
    return mayHaveForms(mediaType) ? this.#forms.absentSince(path) : now();
  }

  #isNear(device: bigint, path: string): boolean {
    let isNear = this.#devices.get(device);
    if (isNear === undefined) {
      isNear = fileSystemKindNow(path) !== 'remote';
      this.#devices.set(device, isNear);
    }
    return isNear;
  }
}

/** What was not sealed is discarded. */
function close({ fd, draft }: OpenedFile): void {
  closeDescriptor(fd);
  draft[Symbol.dispose]();
}

/**
 * What the kernel has begun to read: mostly it has done so when others have had their turn.
 * @returns how many bytes were read; undefined if not all
 */
async function readBegun({ fd, version, draft }: OpenedFile): Promise<number | undefined> {
  await nextTurn();
  const count = readCached(fd, draft.bytes, 0);
  return count === version.size ? count : undefined;
}

/** @returns how many bytes were read */
function readWhole({ fd, version, draft }: OpenedFile): Promise<number> {
  return new Promise(resolve => {
    read(fd, draft.bytes, 0, version.size, 0, (error, count) => resolve(error === null ? count : 0));
  });
}

function stampsOf(fd: number, path: string): FileVersion {
  return versionOf(fstatSync(fd, { bigint: true }), path);
}

/** @returns undefined for what takes too long to be hashed at once */
function factsOf({ size, mtimeNs }: FileVersion, bytes: Buffer, mediaType: string): FileFacts | undefined {
  const etag = contentTagNow([bytes]);
  return etag === undefined ? undefined : { size, mtimeMs: Number(mtimeNs / 1_000_000n), etag, mediaType };
}
