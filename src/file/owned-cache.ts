import { realpathSync } from 'node:fs';
import type { Aggregate } from '../aggregate/aggregate.ts';
import { createPool, type Pool } from '../aggregate/pool.ts';
import type { Channel } from '../ipc/channel.ts';
import type { RequestHandler } from '../ipc/responder.ts';
import { SharedChunk } from '../memory/shared-chunk.ts';
import { ArgumentError, checkInteger, describe, IoliteError } from '../os/error.ts';
import { CacheService } from './cache-service.ts';
import { Coalescer } from './coalescer.ts';
import {
  type CachedFile,
  type CacheStats,
  checkPath,
  type FileCache,
  type FileFacts,
  type ReadOptions,
  readPart,
  type Snapshot,
  shareFile,
  snapshotOf,
} from './file-cache.ts';
import { currentVersion, type FileVersion, type LoadedFile, loadFile, sameVersion } from './load.ts';
import { mediaTypeOf } from './media-type.ts';

export interface FileCacheOptions {
  /** Most bytes of content to keep. Larger files are read, handed out, and not kept. */
  readonly budget: number;
  /** Milliseconds that a file is used without a look at the disk. 0: look at every read. Default 1000. */
  readonly maxStale?: number;
  /** Where content is put. Default: a pool of the cache's own, for processes of the same user. */
  readonly pool?: Pool;
}

export interface ServeOptions {
  /** Serve only files inside this directory, symbolic links followed. Default: any this process can read. */
  readonly root?: string;
  /** Answers requests on the channel that are not the cache's. */
  readonly otherwise?: RequestHandler;
}

/** A file that the owner has loaded. */
interface OwnedFile extends CachedFile {
  readonly path: string;
  readonly version: FileVersion;
  readonly settled: boolean;
  checkedAt: number;
}

const DEFAULT_MAX_STALE = 1000;

/**
 * Creates a file cache in this domain, which owns it. Others attach through a channel.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export function createFileCache(options: FileCacheOptions): OwnedFileCache {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `Cannot create file cache: options with a budget are wanted, ${describe(options)} was given`,
    );
  }
  return new OwnedFileCache(options);
}

/** The file cache of the domain that reads the files: one copy of each, least recently used out first. */
export class OwnedFileCache implements FileCache {
  readonly maxStale: number;
  readonly #budget: number;
  readonly #pool: Pool;
  readonly #ownsPool: boolean;
  /** By path, the least recently used first. */
  readonly #files = new Map<string, OwnedFile>();
  readonly #loads = new Coalescer<OwnedFile>(shareFile, file => file.content.release());
  readonly #services = new Set<CacheService>();
  #bytes = 0;
  #serial = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #closed = false;

  constructor({ budget, maxStale = DEFAULT_MAX_STALE, pool }: FileCacheOptions) {
    checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(maxStale, 'maxStale', 0, Number.MAX_SAFE_INTEGER);
    this.#budget = budget;
    this.maxStale = maxStale;
    this.#pool = pool ?? createPool({ name: 'file-cache' });
    this.#ownsPool = pool === undefined;
  }

  read(path: string, options?: ReadOptions): Promise<Aggregate> {
    return readPart(this, path, options);
  }

  async snapshot(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    const hit = this.peek(path);
    if (hit !== undefined) return hit;
    return snapshotOf(await this.lookUp(path, undefined, options.signal));
  }

  peek(path: string): Snapshot | undefined {
    checkPath(path);
    this.#checkOpen();
    const file = this.#files.get(path);
    if (file === undefined || !this.#isFresh(file)) return undefined;
    this.#touch(file);
    this.#hits += 1;
    return snapshotOf(shareFile(file));
  }

  invalidate(path: string): void {
    checkPath(path);
    const file = this.#files.get(path);
    if (file !== undefined) this.#remove(file);
  }

  stats(): CacheStats {
    return {
      entries: this.#files.size,
      bytes: this.#bytes,
      budget: this.#budget,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  /**
   * Answers the requests of a cache attached at the other end of the channel, until the channel or this cache
   * closes. Takes the channel's request handler.
   * @throws what realpath says of `root`
   */
  serve(channel: Channel, options: ServeOptions = {}): void {
    this.#checkOpen();
    const root = options.root === undefined ? undefined : realpathSync(options.root);
    const service = new CacheService(this, root);
    this.#services.add(service);
    channel.onRequest((message, context) => {
      const answer = service.handle(message);
      if (answer !== undefined) return answer;
      if (options.otherwise !== undefined) return options.otherwise(message, context);
      message.body?.release();
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', 'Cannot answer request: it is not for the file cache');
    });
    channel.once('close', () => {
      service.close();
      this.#services.delete(service);
    });
  }

  close(): void {
    if (this.#closed) return;
    for (const file of [...this.#files.values()]) this.#remove(file);
    this.#closed = true;
    for (const service of this.#services) service.close();
    this.#services.clear();
    if (this.#ownsPool) this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * A file as the disk has it now, or had it less than `maxStale` ago. The caller releases its content.
   * @param root a real path that the file must lie in
   */
  async lookUp(path: string, root: string | undefined, signal?: AbortSignal): Promise<CachedFile> {
    checkPath(path);
    this.#checkOpen();
    const present = this.#files.get(path);
    // Whether a file lies inside of a root only a look at the disk tells.
    if (present !== undefined && root === undefined && this.#isFresh(present)) {
      this.#touch(present);
      this.#hits += 1;
      return shareFile(present);
    }
    this.#misses += 1;
    return this.#loads.run(`${root ?? ''}\0${path}`, () => this.#validateOrLoad(path, root), signal);
  }

  /** Whether the cache still holds this version, so that attached domains may keep it too. */
  holds(path: string, serial: number): boolean {
    return this.#files.get(path)?.facts.serial === serial;
  }

  async #validateOrLoad(path: string, root: string | undefined): Promise<OwnedFile> {
    try {
      const present = this.#files.get(path);
      if (present?.settled) {
        const checkedAt = performance.now();
        const version = await currentVersion(path, root);
        if (this.#files.get(path) === present && sameVersion(version, present.version)) {
          present.checkedAt = checkedAt;
          this.#touch(present);
          return shareFile(present);
        }
      }
      return await this.#load(path, root);
    } catch (error) {
      this.#forgetVanished(path, error);
      throw error;
    }
  }

  async #load(path: string, root: string | undefined): Promise<OwnedFile> {
    const checkedAt = performance.now();
    const loaded = await loadFile(path, { pool: this.#pool, root });
    if (this.#closed) {
      loaded.content.release();
      this.#checkOpen();
    }
    this.#serial += 1;
    const facts = factsOf(path, loaded, this.#serial);
    const { content, version, settled } = loaded;
    // With others attached it is they who read: page table entries here would be for nothing.
    if (this.#services.size > 0) forgetPagesOf(content);
    const file: OwnedFile = { path, facts, content, version, settled, checkedAt };
    this.#keep(file);
    return file;
  }

  /** Puts a reference of the cache's own into the index, if the budget admits it. */
  #keep(file: OwnedFile): void {
    const previous = this.#files.get(file.path);
    if (previous !== undefined) this.#remove(previous);
    if (file.facts.size > this.#budget) return;
    for (const oldest of this.#files.values()) {
      if (this.#bytes + file.facts.size <= this.#budget) break;
      this.#remove(oldest);
      this.#evictions += 1;
    }
    this.#files.set(file.path, shareFile(file));
    this.#bytes += file.facts.size;
  }

  #remove(file: OwnedFile): void {
    this.#files.delete(file.path);
    this.#bytes -= file.facts.size;
    file.content.release();
    for (const service of this.#services) service.dropped(file.path, file.facts.serial);
  }

  #touch(file: OwnedFile): void {
    this.#files.delete(file.path);
    this.#files.set(file.path, file);
  }

  #isFresh(file: OwnedFile): boolean {
    return performance.now() - file.checkedAt < this.maxStale;
  }

  /** A file that is gone, or is no longer ours to read, is not served from memory. */
  #forgetVanished(path: string, error: unknown): void {
    const transient = ['EMFILE', 'ENFILE', 'ENOMEM', 'ERR_IOLITE_LIMIT', 'ERR_IOLITE_CLOSED'];
    const file = this.#files.get(path);
    if (file !== undefined && !transient.includes((error as NodeJS.ErrnoException).code ?? ''))
      this.#remove(file);
  }

  #checkOpen(): void {
    if (this.#closed) throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot read from file cache: it is closed');
  }
}

function factsOf(path: string, { version: { size, mtimeNs } }: LoadedFile, serial: number): FileFacts {
  const etag = `W/"${size.toString(16)}-${mtimeNs.toString(16)}"`;
  return { serial, size, mtimeMs: Number(mtimeNs / 1_000_000n), etag, mediaType: mediaTypeOf(path) };
}

function forgetPagesOf(content: Aggregate): void {
  for (const { lease, start, end } of content.slices()) {
    if (lease.chunk instanceof SharedChunk) lease.chunk.forget(start, end);
  }
}
