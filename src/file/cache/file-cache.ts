import type { Aggregate } from '../../aggregate/aggregate.ts';
import { ArgumentError, checkInteger, describe } from '../../base/error.ts';

/** A content coding that forms of files are kept in. */
export type Coding = 'br' | 'gzip' | 'zstd';

/**
 * One version of a file, whole. Holds a reference to its content: release it (`release()`, or `using`) when
 * done. Later changes of the file and its eviction from the cache do not affect it.
 */
export interface Snapshot extends Disposable {
  /**
   * The file's bytes. Shared with the cache, not copied; read-only. Undefined for a file that is kept by
   * extents, because it is too large to be kept whole: {@link read} has its parts.
   */
  readonly content: Aggregate | undefined;
  /** In bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /**
   * An entity tag (RFC 9110, 8.8.3), of a form its own: strong, from a hash of the bytes, or for large files
   * from their version on disk.
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
   * @throws ERR_IOLITE_STALE when the file is kept by extents and this version is no more on disk; as the
   *   disk said
   */
  read(start?: number, end?: number, options?: { readonly signal?: AbortSignal }): Promise<Aggregate>;
  /** The same content in another coding, as a snapshot of its own, which the caller releases. */
  encoded(coding: Coding): Snapshot | undefined;
  release(): void;
}

/** Counters of a cache. */
export interface CacheStats {
  readonly entries: number;
  /** Bytes of content that the cache holds. */
  readonly bytes: number;
  readonly budget: number;
  /** Reads answered from memory, without asking the disk or another process. */
  readonly hits: number;
  /** Reads that waited for the disk, or for the owner. */
  readonly misses: number;
  readonly evictions: number;
}

export interface ReadOptions {
  /** First byte, default 0. Negative counts from the end, as in Array.prototype.slice. */
  readonly start?: number;
  /** Byte after the last, default the file's end. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

export interface SnapshotOptions {
  readonly signal?: AbortSignal;
  /**
   * A real path that the file must lie in, symbolic links followed when it was opened: EACCES otherwise. In
   * an attached domain it has no meaning: there the owner confines, by `serve(channel, { root })`.
   */
  readonly root?: string | undefined;
}

/** Files in memory, read once and shared: what owner and attached domains have in common. */
export interface FileCache extends Disposable {
  /**
   * The content of a file or a part of it, as an aggregate that the caller releases. All of one version.
   * @throws ENOENT, EACCES, EISDIR, EMFILE, ... as the disk said; ERR_IOLITE_FILE, ERR_IOLITE_LIMIT,
   * ERR_IOLITE_CLOSED; ERR_IOLITE_PEER when the owner is gone and the file is not held here
   */
  read(path: string, options?: ReadOptions): Promise<Aggregate>;
  /** As {@link read}, with what is known of the file. */
  snapshot(path: string, options?: SnapshotOptions): Promise<Snapshot>;
  /**
   * A hit, if there is one that was checked against the disk less than `maxStale` ago, and lies in `root`:
   * see {@link SnapshotOptions}.
   */
  peek(path: string, root?: string): Snapshot | undefined;
  /** Forgets a file, so that the next read looks at the disk. */
  invalidate(path: string): void;
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

/** Throws unless options can be those of a read. */
function checkRange({ start, end }: ReadOptions): void {
  const limit = Number.MAX_SAFE_INTEGER;
  if (start !== undefined) checkInteger(start, 'start', -limit, limit);
  if (end !== undefined) checkInteger(end, 'end', -limit, limit);
}

/** A position as in Array.prototype.slice: a negative one counts from the end, and it is clamped. */
export function clamped(position: number, length: number): number {
  return position < 0 ? Math.max(0, length + position) : Math.min(position, length);
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
