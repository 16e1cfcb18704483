import { resolve } from 'node:path';
import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Pool } from '../../aggregate/pool.ts';
import { waitSignalOf } from '../../base/abortable.ts';
import { CoarseClock } from '../../base/clock.ts';
import { ArgumentError, checkInteger, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Channel } from '../../ipc/channel.ts';
import type { RequestHandler } from '../../ipc/responder.ts';
import { numbersOf, observe, type Sample } from '../../observe/sources.ts';
import { Entry } from '../../store/entry.ts';
import { defaultBudget } from '../../store/governor/default-budget.ts';
import { ownGovernor } from '../../store/governor/governor.ts';
import { createPolicy, DEFAULT_POLICY, type PolicyName } from '../../store/policies/index.ts';
import type { CachePolicy } from '../../store/policy.ts';
import { serveStore } from '../../store/serve-store.ts';
import { Store } from '../../store/store.ts';
import type { StoreStats } from '../../store/store-options.ts';
import { VersionContent } from '../../store/version-content.ts';
import { isInside } from '../load/load.ts';
import type { FileVersion } from '../version/file-version.ts';
import { type CacheView, type CacheViewOptions, ViewedFiles } from './cache-view.ts';
import { ConfinedFiles } from './confined-roots.ts';
import { DiskFiles } from './disk-files.ts';
import {
  type CacheStats,
  checkFilePath,
  closedCache,
  type FileCache,
  type PathMemo,
  type ReadOptions,
  readPart,
  type Snapshot,
  type SnapshotOptions,
} from './file-cache.ts';
import {
  FILES,
  type FileEntry,
  type FileFacts,
  type FileState,
  type FileStore,
  type LinkState,
} from './file-entry.ts';
import { isRight, type PeekedFile } from './file-finder.ts';
import { FileSnapshot } from './file-snapshot.ts';
import { type KeptFileUser, RepeatableFile } from './repeatable-file.ts';
import { type WarmOptions, type WarmProgress, warm } from './warm.ts';

/** What a cache keeps, and how it looks for changes. */
export interface FileCacheOptions {
  /**
   * Most bytes of physical memory: files, and besides them headers, what is being read, what has left the
   * cache in memory that still has other files in it, and what others still hold. What it has no room for is
   * read, handed out, and not kept. Default: a quarter of the memory there is, in a container of what it
   * allows, less where processes need it, and at most 256 MiB.
   */
  readonly budget?: number;
  /**
   * Whether the cache makes do with less than its budget while memory is short, so that the kernel kills
   * nobody: as the limits of the container and the machine, and what is used, demand. Default true.
   */
  readonly govern?: boolean;
  /**
   * Who leaves a full cache: by name, or a policy of one's own. Default 'gdsf'. Files in use go
   * last.
   */
  readonly policy?: PolicyName | CachePolicy;
  /**
   * Milliseconds that a file may be used since it was last seen on the disk, where changes are not told of:
   * in a file system of other machines or an overlay, without watches left, with several hard links. 0: look
   * at every read, of all files. Default 1000. Files in use are looked at again before it is over, in the
   * background.
   */
  readonly maxStale?: number;
  /**
   * The same where changes are told of, which takes milliseconds: for what no watch tells of, as writing
   * through a mapping or a name that was given to the file later, a file system that is mounted over another,
   * or more changes at once than the kernel keeps word of. Default 60000; `maxStale` if that is
   * more, or 0.
   */
  readonly maxUntold?: number;
  /**
   * Where content is put, and whose ACL says who may attach. Default: a pool of the cache's own, for the same
   * user.
   */
  readonly pool?: Pool;
  /**
   * Make brotli and gzip forms of files that compress well, in the background, once they were read often.
   * Default true. Those that lie beside a file (page.html.br, .zst, .gz) are used in any case, and then none
   * are made.
   */
  readonly compress?: boolean;
  /**
   * Leave what was read in the kernel's page cache too. Default: what is kept here is dropped there.
   */
  readonly keepPageCache?: boolean;
}

/** What the domain at the other end of a channel may have. */
export interface ServeOptions {
  /**
   * Serve only files inside this directory, or these, symbolic links followed. Default: any this process can
   * read.
   */
  readonly root?: string | readonly string[];
  /** Answers requests on the channel that are not the cache's. */
  readonly otherwise?: RequestHandler;
}

/** Counters of a cache in the domain that owns it, and where its bytes are. */
export interface OwnedStats extends CacheStats, StoreStats {
  /** Directories that are watched for changes. */
  readonly watched: number;
  /** Domains that are attached. */
  readonly attached: number;
}

const NAMES = optionNames<FileCacheOptions>({
  budget: true,
  govern: true,
  policy: true,
  maxStale: true,
  maxUntold: true,
  pool: true,
  compress: true,
  keepPageCache: true,
});
const DEFAULT_MAX_STALE_MS = 1000;
const DEFAULT_MAX_UNTOLD_MS = 60_000;
const MAX_DEFAULT_BUDGET_BYTES = 256 * 1024 ** 2;

/**
 * Creates a file cache in this domain, which owns it. Others attach through a channel.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 */
export function createFileCache(options: FileCacheOptions = {}): OwnedFileCache {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(`Cannot create file cache: options are wanted, ${describe(options)} was given`);
  }
  checkOptionNames(options, NAMES, 'create file cache');
  return new OwnedFileCache(options);
}

/** What a cache keeps its files in: for rooms that look into it, and change nothing. */
export let storeOf: (cache: OwnedFileCache) => FileStore;

/** The file cache of the domain that reads the files: one copy of each, for all domains, within a budget. */
export class OwnedFileCache implements FileCache {
  readonly #maxStale: number;
  readonly #store: FileStore;
  readonly #files: DiskFiles;
  readonly #clock = new CoarseClock();
  readonly #user: KeptFileUser = { use: entry => this.#use(entry) };

  static {
    storeOf = cache => cache.#store;
  }

  /** Use {@link createFileCache}. */
  constructor(options: FileCacheOptions) {
    const { policy = DEFAULT_POLICY, pool, compress = true, keepPageCache = false, govern = true } = options;
    const { maxStale = DEFAULT_MAX_STALE_MS, maxUntold = DEFAULT_MAX_UNTOLD_MS } = options;
    const { budget = defaultBudget({ most: MAX_DEFAULT_BUDGET_BYTES }) } = options;
    checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(maxStale, 'maxStale', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(maxUntold, 'maxUntold', 0, Number.MAX_SAFE_INTEGER);
    this.#maxStale = maxStale;
    this.#store = new Store<FileFacts, FileState | LinkState | undefined>({
      budget,
      policy: createPolicy(policy, budget),
      pool,
      governor: govern ? ownGovernor() : undefined,
    });
    this.#files = new DiskFiles(this.#store, {
      watched: maxStale === 0 ? 0 : Math.max(maxStale, maxUntold),
      unwatched: maxStale,
      keepPageCache,
      compress,
    });
    observe('cache', this, OwnedFileCache.#figuresOf);
  }

  read(path: string, options?: ReadOptions): Promise<Aggregate> {
    try {
      const whole = options === undefined || (options.start === undefined && options.end === undefined);
      const hit = whole ? this.#peek(path)?.file.held : undefined;
      if (!hit?.hasContent) return readPart(this, path, options);
      return Promise.resolve(new VersionContent(hit));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async snapshot(path: string, options: SnapshotOptions = {}): Promise<Snapshot> {
    const { root } = options;
    const signal = waitSignalOf(options);
    const hit = this.peek(path, root);
    if (hit !== undefined) return hit;
    const { held, link, way } = await this.#files.finder.lookUp(path, 0, root, signal);
    link?.release();
    return new FileSnapshot(held, this.#files, { way });
  }

  peek(path: string, root?: string, memo?: PathMemo): Snapshot | undefined {
    const found = this.#peek(path, memo);
    if (found === undefined || !isInside(found.file.key, root)) return undefined;
    return new FileSnapshot(found.file.held.retain(), this.#files, { way: found.way });
  }

  repeatable({ entry }: PathMemo): Repeatable | undefined {
    if (!(entry instanceof Entry) || this.#store.get(entry.key) !== entry) return undefined;
    const file = entry as FileEntry;
    // What is a link is answered with something else, and of a large file there is nothing in memory.
    return file.held.hasContent ? new RepeatableFile(file, this.#user) : undefined;
  }

  peekVersion(path: string, version: FileVersion): Snapshot | undefined {
    const held = this.#files.heldOf(path, version);
    return held === undefined ? undefined : new FileSnapshot(held, this.#files);
  }

  adopt(path: string, version: FileVersion, content: Aggregate): Promise<boolean> {
    checkFilePath(path);
    return this.#files.adopt(path, version, content);
  }

  invalidate(path: string): void {
    checkFilePath(path);
    this.#files.invalidate(path);
  }

  /**
   * Reads files before anybody asks for them: those that a path names, all in a directory and below if it is
   * one; or a glob as picomatch understands it, such as `site/**\/*.{js,css}`. A path that is there as it is
   * written is meant as a path. Names that begin with a dot are left out unless the pattern's begins with
   * one, links to directories not followed. Ends when the cache is full, and never fails for a single file,
   * nor for a glob that names none. Of files that are kept by extents nothing is read.
   * @throws what stat says of a path, the signal's reason, ERR_IOLITE_ARGUMENT also for a glob with brackets
   *   that are not closed; ERR_IOLITE_CLOSED
   */
  async warm(pattern: string, options: WarmOptions = {}): Promise<WarmProgress> {
    this.#checkOpen();
    const pressure = (): number => this.#store.evictions + this.#store.uncached;
    const before = pressure();
    const read = async (path: string, signal: AbortSignal | undefined): Promise<number> => {
      using snapshot = await this.snapshot(path, signal === undefined ? {} : { signal });
      return snapshot.content?.length ?? 0;
    };
    return warm({ read, isFull: () => pressure() > before }, pattern, options);
  }

  /**
   * Changes the budget. What is beyond a lower one leaves by the policy: its memory is free at once, and
   * where somebody uses it, here or in another domain, as soon as they are done. Attached domains learn of
   * it. A pool that was given with a limit bounds the cache as before.
   * @param budget in bytes, as of {@link FileCacheOptions}
   * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE; ERR_IOLITE_CLOSED
   * @example
   * ```ts
   * import assert from 'node:assert/strict';
   * import { createFileCache } from 'iolite';
   *
   * using cache = createFileCache({ budget: 64 * 1024 ** 2 });
   * (await cache.read('package.json')).release();
   * cache.resize(16 * 1024 ** 2);
   * assert.equal(cache.stats().budget, 16 * 1024 ** 2);
   * ```
   */
  resize(budget: number): void {
    checkInteger(budget, 'budget', 0, Number.MAX_SAFE_INTEGER);
    this.#checkOpen();
    this.#store.resize(budget);
  }

  static #figuresOf(cache: OwnedFileCache): readonly Sample[] | undefined {
    if (cache.#store.closed) return undefined;
    return [{ labels: { content: 'files' }, figures: numbersOf(cache.stats()) }];
  }

  /** How much is kept, where, and how often it was of use. */
  stats(): OwnedStats {
    const { hits, misses, watched } = this.#files;
    return { ...this.#store.stats(), hits, misses, watched, attached: this.#store.attached.size };
  }

  /**
   * Answers the requests of a cache attached at the other end of the channel, until the channel or this cache
   * closes. Takes the channel's request handler. A channel that is closed already is no error.
   * @throws ERR_IOLITE_CLOSED when this cache is closed; what realpath says of `root`; ERR_IOLITE_ARGUMENT
   */
  serve(channel: Channel, options: ServeOptions = {}): void {
    const { root: given, otherwise } = options;
    const roots =
      given === undefined ? [] : (typeof given === 'string' ? [given] : given).map(each => resolve(each));
    if (!this.#store.closed) for (const root of roots) this.#files.confine(root);
    const owner = roots.length > 1 ? new ConfinedFiles(this.#files, roots) : this.#files;
    const served = { name: FILES, title: 'file cache', store: this.#store, owner };
    serveStore(served, channel, { root: roots[0], otherwise });
  }

  /**
   * Some of the files below a directory, for other domains: which, a function says for each path, and in
   * which memory they lie nothing else does. Other domains ask by `attachFileCache()`, as always; where links
   * lead they may ask for as they were told. Close it when nobody is served through it any more.
   * @throws ERR_IOLITE_CLOSED; ERR_IOLITE_ARGUMENT
   */
  view(options: CacheViewOptions): CacheView {
    this.#checkOpen();
    const [store, files] = [this.#store, this.#files];
    const viewed = new ViewedFiles(files, options);
    files.addView(viewed);
    const close = (): void => files.removeView(viewed);
    return {
      root: viewed.root,
      serve: (channel, { otherwise } = {}) =>
        serveStore({ name: FILES, title: 'file cache', store, owner: viewed }, channel, { otherwise }),
      close,
      [Symbol.dispose]: close,
    };
  }

  close(): void {
    if (this.#store.closed) return;
    this.#files.close();
    this.#store.close();
  }

  /** For `using`: see {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #use(entry: FileEntry): boolean {
    const time = this.#clock.now(this.#maxStale);
    if (!isRight(entry, 0, time)) return false;
    this.#files.hit(entry, time);
    return true;
  }

  #peek(path: string, memo?: PathMemo): PeekedFile | undefined {
    const time = this.#clock.now(this.#maxStale);
    const entry = this.#files.finder.peek(path, time, memo);
    if (entry === undefined) {
      checkFilePath(path);
      this.#checkOpen();
      return undefined;
    }
    const found = this.#files.finder.follow(entry, time);
    if (found !== undefined) this.#files.hit(found.file, time);
    return found;
  }

  #checkOpen(): void {
    if (this.#store.closed) throw closedCache();
  }
}
