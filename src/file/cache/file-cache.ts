import type { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Coding } from '../content/coding.ts';
import type { FileVersion } from '../version/file-version.ts';

/**
 * One version of a file, whole. Holds a reference to its content: release it (`release()`, or `using`) when
 * done. Later changes of the file and its eviction from the cache do not affect it.
 */
export interface Snapshot extends Disposable {
  /**
   * The file's bytes. Shared with the cache, not copied; read-only. Undefined for a file that is too large to
   * be kept whole: {@link read} has its parts.
   */
  readonly content: Aggregate | undefined;
  /**
   * The same object for all snapshots of a version that are alive: to keep what follows from it by. Undefined
   * where nothing is worth keeping: it has come for the first time, and likely for the last.
   */
  readonly version: object | undefined;
  /** Where it lies: its path with symbolic links followed. */
  readonly realPath: string;
  /**
   * Names the links that the path led through: another number when it may have led elsewhere. 0: it led
   * through none, and was its real path.
   */
  readonly way: number;
  /** In bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /**
   * An entity tag (RFC 9110, 8.8.3), of a form its own: strong, unless the source cannot tell each version
   * from all others.
   */
  readonly etag: string;
  /** By the file's name, with charset=utf-8 for text. */
  readonly mediaType: string;
  /** Content codings (RFC 9110, 8.4.1) that a form of this version is there in. */
  readonly codings: readonly Coding[];
  /**
   * A part of this version, which the caller releases. At once where `content` is there.
   * @param start first byte, default 0
   * @param end byte after the last, default the file's end
   * @throws ERR_IOLITE_STALE when the source no longer has this version, and it was not kept whole; as the
   *   source said
   */
  read(start?: number, end?: number, options?: { readonly signal?: AbortSignal }): Promise<Aggregate>;
  /**
   * The content as an aggregate of the caller's own, who releases it: until then the file is in use.
   * Undefined as `content` is.
   */
  share(): Aggregate | undefined;
  /** The same content in another coding, as a snapshot of its own, which the caller releases. */
  encoded(coding: Coding): Snapshot | undefined;
  /** Lets go of the content. A second call does nothing. */
  release(): void;
}

/** Where a cache keeps what it knows of a path, for who asks for that again and again. */
export interface PathMemo {
  /** The cache's. */
  entry: object | undefined;
}

/** Counters of a cache. */
export interface CacheStats {
  /** How many files are kept. */
  readonly entries: number;
  /** Bytes of content that the cache holds. */
  readonly bytes: number;
  /** Most bytes to keep. */
  readonly budget: number;
  /** Reads answered from memory at hand, without asking anybody. */
  readonly hits: number;
  /** Reads that waited for the source: the disk, the owner in another process. */
  readonly misses: number;
  /** How many have left it for want of room. */
  readonly evictions: number;
}

/** Which part of a file, and until when it is wanted. */
export interface ReadOptions {
  /** First byte, default 0. Negative counts from the end, as in Array.prototype.slice. */
  readonly start?: number;
  /** Byte after the last, default the file's end. */
  readonly end?: number;
  /** Ends the wait; what others wait for goes on. */
  readonly signal?: AbortSignal;
}

/** Until when a file is wanted. */
export interface SnapshotOptions {
  /** Ends the wait; what others wait for goes on. */
  readonly signal?: AbortSignal;
  /**
   * A path that the file must lie in, whatever its own path leads through (symbolic links): EACCES otherwise.
   * A source that its owner confines leaves it to that one, as an attached cache does:
   * `serve(channel, { root })`.
   */
  readonly root?: string | undefined;
}

/**
 * Files by their paths, in memory that is shared: what a source of files has to do, wherever it has them
 * from. The disk's is the owned cache, another domain's the attached one; `openFile`, sites and servers need
 * no more of either than this.
 *
 * A path is a string without NUL, and what it means is the source's to say. Errors have the codes that a file
 * system would give: who serves files tells by them what is missing (ENOENT, ENOTDIR), is not a file (EISDIR,
 * ERR_IOLITE_FILE), is forbidden (EACCES) or will do later (EMFILE, ERR_IOLITE_LIMIT).
 */
export interface FileCache extends Disposable {
  /**
   * The content of a file or a part of it, as an aggregate that the caller releases. All of one version.
   * @throws ENOENT, EACCES, EISDIR, EMFILE, ... as the source says; ERR_IOLITE_FILE, ERR_IOLITE_LIMIT,
   * ERR_IOLITE_CLOSED; ERR_IOLITE_PEER when the owner is gone and the file is not held here
   */
  read(path: string, options?: ReadOptions): Promise<Aggregate>;
  /** As {@link read}, with what is known of the file. */
  snapshot(path: string, options?: SnapshotOptions): Promise<Snapshot>;
  /**
   * A hit, if there is one that is new enough to be used without asking the source, and lies in `root`: see
   * {@link SnapshotOptions}. Never waits.
   * @param memo what the cache remembers of this path; it finds it faster then
   */
  peek(path: string, root?: string, memo?: PathMemo): Snapshot | undefined;
  /**
   * As {@link peek}, for a file that is no hit: what the kernel has in memory is read at once, which takes
   * some tens of microseconds. Missing where a source does not do that.
   */
  readNow?(path: string, memo?: PathMemo): Snapshot | undefined;
  /**
   * What {@link peek} gave last for a memo, as long as it would give it again: that long its content and its
   * forms keep their memory. Missing where a cache can say so of nothing.
   * @returns undefined where it cannot say so of this file
   */
  repeatable?(memo: PathMemo): Repeatable | undefined;
  /**
   * As {@link peek}, for exactly this version of the file at a real path, whatever else is known of that now.
   * Missing where a cache cannot say so.
   * @internal
   */
  peekVersion?(path: string, version: FileVersion): Snapshot | undefined;
  /**
   * Takes over what was written to a file, in place of reading it (paper, 2.5). Its own buffers are kept,
   * where they may be seen by all whom the cache's are; the rest is copied. What others hold of the version
   * before stays. Missing where a cache does not do that.
   * @param path real
   * @param version that the disk has, of a file of which every change shows
   * @param content all of its bytes, which the caller keeps
   * @returns false where the cache has not taken it: for want of room, as its policy does not admit it, or as
   *   the path leads to another version. What it has under the path may be that before then
   * @internal
   */
  adopt?(path: string, version: FileVersion, content: Aggregate): Promise<boolean>;
  /** Forgets a file: what is read next is not older than now. */
  invalidate(path: string): void;
  /** How much is kept, and how often it was of use. */
  stats(): CacheStats;
  /** Forgets everything; snapshots stay valid. Reads afterwards throw ERR_IOLITE_CLOSED. */
  close(): void;
}

/** Throws unless a value can be a path. */
export function checkFilePath(path: unknown): asserts path is string {
  if (typeof path !== 'string' || path.length === 0 || path.includes('\0')) {
    throw new ArgumentError(`Cannot read file: a path is wanted, ${describe(path)} was given`);
  }
}

/** What reads of a cache fail with that is closed. */
export function closedCache(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read from file cache: it is closed');
}

/** Throws unless options can be those of a read. */
function checkRange({ start, end }: ReadOptions): void {
  const limit = Number.MAX_SAFE_INTEGER;
  if (start !== undefined) checkInteger(start, 'start', -limit, limit);
  if (end !== undefined) checkInteger(end, 'end', -limit, limit);
}

/**
 * A part of a file by {@link FileCache.read}'s options, through a snapshot. @throws as {@link FileCache.read}
 */
export async function readPart(
  cache: FileCache,
  path: string,
  options: ReadOptions = {},
): Promise<Aggregate> {
  checkRange(options);
  const { start = 0, end, signal } = options;
  const abort = signal === undefined ? {} : { signal };
  using snapshot = await cache.snapshot(path, abort);
  return await snapshot.read(start, end, abort);
}
