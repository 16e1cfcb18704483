import { fstatSync } from 'node:fs';
import { Pool } from '../../aggregate/pool.ts';
import { now } from '../../base/clock.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { closeDescriptor } from '../../os/descriptor.ts';
import { openCached, readCached } from '../../os/page-cache.ts';
import { FrequencySketch } from '../../store/policies/frequency-sketch.ts';
import { SERIAL_OF_UNKEPT_VERSIONS, StoredVersion } from '../../store/stored-version.ts';
import { contentTagNow } from '../content/content-tag.ts';
import { FormLooks } from '../content/form-looks.ts';
import { mayHaveForms, mediaTypeOf } from '../content/media-type.ts';
import { type FileVersion, isSettled, sameVersion, untilCalm, versionOf } from '../version/file-version.ts';
import { fileSystemKindNow } from '../watch/file-system.ts';
import type { FileFacts } from './file-entry.ts';

/** Larger files are left to the owner: to copy them keeps others waiting, and they are what to share. */
const MAX_BYTES = 128 * 1024;
/** For what was read and is being sent to slow readers. Beyond that the owner is asked. */
const MAX_HELD_BYTES = 16 * 1024 ** 2;
/** Files that came again and are remembered, 500 bytes each. */
const MAX_KNOWN_FILES = 8192;
/** What the sketch of those that came once is made for: 256 KiB of counters. */
const SKETCHED_BYTES = 128 * 1024 ** 2;
const MAX_DEVICES = 64;

/** What is known of a file that was read here more than once. */
interface KnownFile {
  readonly version: FileVersion;
  /** Whether a later change must show in the version. */
  readonly settled: boolean;
  readonly facts: FileFacts;
  /** When it was last seen that it has no forms beside it. */
  readonly formsSeenAt: number;
  /** How often it was read of late when the owner was last asked for it. */
  readsAsked: number;
}

/** A file that was read here. */
export interface DirectRead {
  /** A reference, which the caller releases. */
  readonly held: StoredVersion<FileFacts>;
  /** How often it was read of late, this time included. Nothing is worth keeping of what came once. */
  readonly reads: number;
}

/**
 * Files that an attached domain reads itself, because the owner of the cache has not given them, and the
 * kernel has them in memory: a question to the owner costs several times as much, and most of what is asked
 * for once is not asked for again soon. Each read is a copy of its own, of what the disk has now; nothing of
 * it is kept but a count, and from the second time on what is known of the file. What comes again is for the
 * cache: see {@link DirectReads.wants}.
 *
 * Left to the owner are large files, files with forms beside them, what symbolic links lead to, what was
 * changed a moment ago, and file systems of other machines.
 */
export class DirectReads implements Disposable {
  readonly #maxStale: () => number;
  readonly #forms: FormLooks;
  readonly #pool = new Pool({ name: 'direct', memory: 'heap', limit: MAX_HELD_BYTES });
  readonly #known = new RecentMap<string, KnownFile>(MAX_KNOWN_FILES);
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
   * Reads a file as it is now. Some twenty microseconds, and one copy.
   * @param path absolute
   * @returns undefined when it is not to be had so, for whatever reason: the owner says which
   */
  read(path: string): DirectRead | undefined {
    // Such a path is not the file's real one.
    if (path.includes('//')) return undefined;
    const fd = openCached(path);
    if (fd === undefined) return undefined;
    try {
      return this.#read(fd, path);
    } catch {
      return undefined;
    } finally {
      closeDescriptor(fd);
    }
  }

  /**
   * Whether to ask the owner for a file that was just read here, as it is likely to come again: at the second
   * time, and when it has come twice as often, for the owner may not have kept it. If so the caller asks.
   */
  wants(path: string, { reads }: DirectRead): boolean {
    const known = this.#known.get(path);
    if (known === undefined || reads < 2 * known.readsAsked) return false;
    known.readsAsked = reads;
    return true;
  }

  /** The owner has given it: what is known of it is known from there. */
  forget(path: string): void {
    this.#known.delete(path);
  }

  close(): void {
    this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(fd: number, path: string): DirectRead | undefined {
    const version = stampsOf(fd, path);
    const { size, device } = version;
    // A size of nothing may say nothing.
    if (size === 0 || size > MAX_BYTES || untilCalm(version) > 0 || !this.#isNear(device, path))
      return undefined;
    using draft = this.#pool.allocate(size);
    const { bytes } = draft;
    if (readCached(fd, bytes, 0) < size || !sameVersion(version, stampsOf(fd, path))) return undefined;
    const known = this.#known.get(path);
    const isSame = known?.settled === true && sameVersion(known.version, version);
    const mediaType = isSame ? known.facts.mediaType : mediaTypeOf(path);
    const isSeen = isSame && known.formsSeenAt > now() - this.#maxStale();
    const formsSeenAt = isSeen ? known.formsSeenAt : this.#formsAbsentSince(path, mediaType);
    if (formsSeenAt === undefined) return undefined;
    const facts = isSame ? known.facts : factsOf(version, bytes, mediaType);
    if (facts === undefined) return undefined;
    const reads = this.#reads.add(path);
    if (reads > 1 && (known?.facts !== facts || known.formsSeenAt !== formsSeenAt))
      this.#known.set(path, {
        version,
        settled: isSettled(version),
        facts,
        formsSeenAt,
        readsAsked: known?.readsAsked ?? 1,
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

function stampsOf(fd: number, path: string): FileVersion {
  return versionOf(fstatSync(fd, { bigint: true }), path);
}

/** @returns undefined for what takes too long to be hashed at once */
function factsOf({ size, mtimeNs }: FileVersion, bytes: Buffer, mediaType: string): FileFacts | undefined {
  const etag = contentTagNow([bytes]);
  return etag === undefined ? undefined : { size, mtimeMs: Number(mtimeNs / 1_000_000n), etag, mediaType };
}
