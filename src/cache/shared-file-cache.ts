import type { Aggregate } from '../aggregate/aggregate.ts';
import { type WaitSignal, waitSignalOf } from '../base/abortable.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Repeatable } from '../base/repeatable.ts';
import { AttachedFileCache, type AttachOptions } from '../file/cache/attached-cache.ts';
import type {
  CacheStats,
  FileCache,
  PathMemo,
  ReadOptions,
  Snapshot,
  SnapshotOptions,
} from '../file/cache/file-cache.ts';
import {
  createFileCache,
  type FileCacheOptions,
  type OwnedFileCache,
  type ServeOptions,
} from '../file/cache/owned-cache.ts';
import type { FileVersion } from '../file/version/file-version.ts';
import { Membership } from './members/membership.ts';
import { Successive } from './successive.ts';

export interface SharedFileCacheOptions
  extends Omit<FileCacheOptions, 'pool'>,
    AttachOptions,
    Pick<ServeOptions, 'root'> {}

const MAX_TRIES = 8;

/**
 * One cache of files for all processes of a user on this machine that name it so: the first owns it and reads
 * the files, the others attach; when it ends, another one takes its place, and reads them anew.
 * @param options of the owner; `direct` of those attached; `root` confines what the others may have
 * @throws as createFileCache; ERR_IOLITE_UNSUPPORTED
 * @example
 * ```ts
 * import { sharedFileCache } from 'iolite/cache';
 *
 * using files = sharedFileCache('example-files', { budget: 64 * 1024 ** 2 });
 * using page = await files.read('package.json');
 * console.log(page.length);
 * ```
 */
export function sharedFileCache(name: string, options: SharedFileCacheOptions = {}): SharedFileCache {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`Cannot share file cache: options are wanted, ${describe(options)} was given`);
  return new SharedFileCache(name, options);
}

/** Use {@link sharedFileCache}. */
export class SharedFileCache implements FileCache {
  readonly #membership: Membership;
  readonly #attached: AttachedFileCache;
  #owned: OwnedFileCache | undefined;
  readonly #caches = new Successive<FileCache>();
  #closed = false;

  constructor(name: string, { direct, root, ...options }: SharedFileCacheOptions) {
    // What is wrong with them is said now.
    createFileCache(options).close();
    this.#attached = new AttachedFileCache(direct === undefined ? {} : { direct });
    this.#membership = new Membership('files', name, {
      own: () => {
        this.#owned = createFileCache(options);
        this.#caches.begin(this.#owned);
        this.#attached.close();
      },
      serve: channel => this.#owned?.serve(channel, root === undefined ? {} : { root }),
      attach: async channel => {
        await this.#attached.attach(channel);
        this.#caches.begin(this.#attached);
      },
      left: reason => {
        this.#caches.end();
        this.#caches.fail(reason);
      },
    });
  }

  /** What this process is; 'joining' while there is no owner. */
  get role(): 'owner' | 'attached' | 'joining' {
    if (this.#owned !== undefined) return 'owner';
    return this.#caches.present === undefined ? 'joining' : 'attached';
  }

  /** Waits until there is an owner. @throws the signal's reason; why this process cannot attach */
  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#withCache(() => {}, signal);
  }

  read(path: string, options?: ReadOptions): Promise<Aggregate> {
    return this.#withCache(cache => cache.read(path, options), options?.signal);
  }

  snapshot(path: string, options?: SnapshotOptions): Promise<Snapshot> {
    return this.#withCache(cache => cache.snapshot(path, options), options && waitSignalOf(options));
  }

  peek(path: string, root?: string, memo?: PathMemo): Snapshot | undefined {
    return this.#held.peek(path, root, memo);
  }

  readNow(path: string, memo?: PathMemo): Snapshot | undefined {
    return this.#held.readNow?.(path, memo);
  }

  repeatable(memo: PathMemo): Repeatable | undefined {
    return this.#held.repeatable?.(memo);
  }

  peekVersion(path: string, version: FileVersion): Snapshot | undefined {
    return this.#held.peekVersion?.(path, version);
  }

  async adopt(path: string, version: FileVersion, content: Aggregate): Promise<boolean> {
    return (await this.#held.adopt?.(path, version, content)) ?? false;
  }

  invalidate(path: string): void {
    this.#held.invalidate(path);
  }

  stats(): CacheStats {
    return this.#held.stats();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#caches.end();
    this.#caches.fail(closedError());
    void this.#membership.close();
    this.#attached.close();
    this.#owned?.close();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Also while there is no owner: what is held goes on being served. */
  get #held(): FileCache {
    if (this.#closed) throw closedError();
    return this.#owned ?? this.#attached;
  }

  /** Has a cache do something; another one where its owner is gone meanwhile. */
  async #withCache<T>(act: (cache: FileCache) => T | Promise<T>, signal?: WaitSignal): Promise<T> {
    if (this.#closed) throw closedError();
    this.#membership.ref();
    try {
      for (let tries = 1; ; tries++) {
        const cache = await this.#caches.next(signal);
        try {
          return await act(cache);
        } catch (error) {
          if ((error as IoliteError).code !== 'ERR_IOLITE_PEER' || tries === MAX_TRIES) throw error;
          if (this.#owned !== undefined || this.#attached.isAttached) throw error;
          // Its channel is about to close: the next one is waited for.
          if (this.#caches.present === cache) this.#caches.end();
        }
      }
    } finally {
      this.#membership.unref();
    }
  }
}

function closedError(): IoliteError {
  return new IoliteError('ERR_IOLITE_CLOSED', 'Cannot use shared file cache: it is closed');
}
