import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Aggregate } from '../../aggregate/aggregate.ts';
import { Draft } from '../../aggregate/draft.ts';
import { IoliteError, systemError } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import { invariant } from '../../base/invariant.ts';
import type { ChunkPool } from '../../memory/chunk-pool.ts';
import { readCached } from '../../os/page-cache.ts';
import type { FileCache, Snapshot } from '../cache/file-cache.ts';
import { type FileVersion, isSettled, sameContent, versionOf } from '../version/file-version.ts';
import { isUnsized, readUnsized } from '../version/unsized.ts';
import { deviceKindOf, type FileSystemKind } from '../watch/file-system.ts';

/** O_NONBLOCK: opening a FIFO must not wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Bytes of one buffer that is read into. */
const READ_BYTES = 16 * 1024 ** 2;
/** What is copied from the kernel's page cache without giving others a turn: some tens of microseconds. */
const MAX_NOW_BYTES = 256 * 1024;
/** After so many bytes that were copied so, one read lets others have their turn, whoever they were for. */
const TURN_BYTES = 1024 ** 2;
/** Bytes that were copied so since the last such read. */
let copiedInTurn = 0;

/** Of what was found out when it was opened. */
interface DiskVersionOptions {
  readonly fileSystem: FileSystemKind;
  /** All of a file whose size says nothing, as those of /proc: read when it was opened. */
  readonly made?: Buffer | undefined;
  /** Of a version that this process has written: what was known of it before it had a name. */
  readonly asWritten?: BigIntStats | undefined;
}

/**
 * One version of a file on disk, held open. As files are replaced and never written in place, it can be read
 * as long as somebody holds it, whatever its name refers to by then. Starts with one reference.
 */
export class DiskVersion {
  /** Opened by a path, or just written. State positions when reading: its own is moved by others. */
  readonly handle: FileHandle;
  /** In bytes. */
  readonly size: number;
  readonly version: FileVersion;
  /** Whether this process wrote it, nobody has changed it since, and whoever does will show. */
  readonly isAsWritten: boolean;
  /** See {@link DiskVersionOptions}. */
  readonly made: Buffer | undefined;
  /** Of this machine: what the kernel knows of it takes no time to ask. */
  readonly #isNear: boolean;
  #references = 1;

  constructor(handle: FileHandle, stat: BigIntStats, { fileSystem, made, asWritten }: DiskVersionOptions) {
    this.handle = handle;
    this.made = made;
    this.#isNear = fileSystem !== 'remote';
    this.version = versionOf(stat, 'a file');
    this.size = made?.length ?? this.version.size;
    this.isAsWritten = asWritten !== undefined && this.#is(asWritten) && isTelling(this.version);
  }

  /** Whoever gave the file more than one name expects a change to show under all of them. */
  get names(): number {
    return this.version.names;
  }

  /**
   * What a cache has of exactly this version, which the caller releases. Asks nobody.
   * @param path real
   */
  inCache(cache: FileCache, path: string): Snapshot | undefined {
    return this.made === undefined ? cache.peekVersion?.(path, this.version) : undefined;
  }

  /** The version that a path refers to now. @throws ENOENT, EACCES, EISDIR, ELOOP, ...; ERR_IOLITE_FILE */
  static async open(path: string): Promise<DiskVersion> {
    const handle = await open(path, FLAGS).catch(refuse(`Cannot open ${path}`));
    try {
      const found = await handle.stat({ bigint: true });
      if (found.isDirectory()) throw new IoliteError('EISDIR', `Cannot open ${path}: it is a directory`);
      if (found.isFile()) {
        const made = (await isUnsized(handle, found)) ? await readUnsized(handle, path) : undefined;
        return new DiskVersion(handle, found, { fileSystem: await deviceKindOf(found.dev, path), made });
      }
      throw new IoliteError('ERR_IOLITE_FILE', `Cannot open ${path}: it is not a regular file`);
    } catch (error) {
      await handle.close();
      throw systemError(error, `Cannot open ${path}`);
    }
  }

  /**
   * Whether a path refers to this version, unchanged. Modes, owners and times of access may have changed. Of
   * a file that is made when it is read nobody knows.
   */
  async isAt(path: string): Promise<boolean> {
    return (await this.namesAt(path)) !== undefined;
  }

  /** As {@link isAt}, with how many names it has now. @returns undefined where the path refers to another */
  async namesAt(path: string): Promise<number | undefined> {
    if (this.made !== undefined) return undefined;
    try {
      const found = await stat(path, { bigint: true });
      return this.#is(found) ? Number(found.nlink) : undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw systemError(error, `Cannot look at ${path}`);
    }
  }

  /**
   * Bytes `start` to `end`, as {@link read} gives them, if the kernel has all of them in memory: at once, at
   * a tenth of the cost.
   * @returns undefined when they are to be read in the other way
   * @throws as {@link read}
   */
  readNow(start: number, end: number, pool: ChunkPool): Aggregate | undefined {
    const length = end - start;
    if (!this.#isNear || this.made !== undefined || length <= 0 || length > MAX_NOW_BYTES) return undefined;
    if (copiedInTurn >= TURN_BYTES) return undefined;
    using draft = new Draft(pool, pool.reserve(length));
    if (readCached(this.handle.fd, draft.bytes, start) < length) return undefined;
    if (!this.#is(fstatSync(this.handle.fd, { bigint: true }))) throw changedInPlace();
    copiedInTurn += length;
    return draft.seal();
  }

  /**
   * Bytes `start` to `end`, which the caller releases, in new buffers: read outside of the event loop,
   * straight into them. Of a file that is made when it is read, those that it had when it was opened.
   * @throws ERR_IOLITE_CONFLICT when somebody wrote to the file in place; EIO; ERR_IOLITE_LIMIT
   */
  async read(start: number, end: number, pool: ChunkPool): Promise<Aggregate> {
    const whole = new Aggregate(undefined, pool);
    if (this.made !== undefined) return whole.append(this.made.subarray(start, end));
    try {
      for (let at = start; at < end; ) {
        using piece = await this.#readPiece(at, Math.min(READ_BYTES, end - at), pool);
        whole.append(piece);
        at += piece.length;
      }
      copiedInTurn = 0;
      if (!this.#is(await this.#stat())) throw changedInPlace();
      return whole;
    } catch (error) {
      whole.release();
      throw systemError(error, `Cannot read bytes ${start} to ${end} of a file`);
    }
  }

  retain(): this {
    invariant(this.#references > 0, 'a version is retained while somebody holds it');
    this.#references += 1;
    return this;
  }

  /** Gives back a reference; the last one closes the file. Of one that was only read nothing can be lost. */
  async release(): Promise<void> {
    this.#references -= 1;
    invariant(this.#references >= 0, 'who releases a version held it');
    if (this.#references === 0) await this.handle.close().catch(ignore);
  }

  #stat(): BigIntStats | Promise<BigIntStats> {
    return this.#isNear ? fstatSync(this.handle.fd, { bigint: true }) : this.handle.stat({ bigint: true });
  }

  async #readPiece(start: number, length: number, pool: ChunkPool): Promise<Aggregate> {
    using draft = new Draft(pool, pool.reserve(length));
    const { bytesRead } = await this.handle.read(draft.bytes, 0, length, start);
    if (bytesRead === 0) throw changedInPlace();
    return draft.seal(bytesRead);
  }

  #is(found: BigIntStats): boolean {
    return found.isFile() && sameContent(versionOf(found, 'a file'), this.version);
  }
}

/**
 * Whether the next change shows in the version, whenever it comes. A file that has got its name later than
 * its last bytes shows it at once: what is written from now on is later than these.
 */
function isTelling(version: FileVersion): boolean {
  return version.ctimeNs > version.mtimeNs || isSettled(version);
}

function changedInPlace(): IoliteError {
  return new IoliteError('ERR_IOLITE_CONFLICT', 'Cannot read file: somebody changed it in place');
}

function refuse(attempted: string): (cause: unknown) => never {
  return cause => {
    throw systemError(cause, attempted);
  };
}
