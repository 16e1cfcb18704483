import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { ArgumentError, describe, IoliteError } from '../../../base/error.ts';
import { isWellFormed } from '../../../base/well-formed.ts';
import { type AttachedFileCache, attachFileCache } from '../../../file/cache/attached-cache.ts';
import type { CacheStats, ReadOptions, Snapshot } from '../../../file/cache/file-cache.ts';
import type { Channel } from '../../../ipc/channel.ts';
import { parseTarget } from '../../message/request-target.ts';

const NOTHING: CacheStats = { entries: 0, bytes: 0, budget: 0, hits: 0, misses: 0, evictions: 0 };

/**
 * The server's cache, as an application has it: the files of its site, each the one copy that the server
 * sends from. Attached at the first use; from then on a file that was read before costs no message. The
 * server says what may be read: what the site itself would serve, by its names, links and rules.
 *
 * A path is one of a URL, from the site's root: `/images/a%20b.png`, also without the slash it begins with,
 * and also the target of a request as it came, whose query is left out. What is not plain ASCII may stand as
 * it is. It names a file: there are no index files, and no extensions are added.
 */
export class SiteCache {
  readonly #channel: Channel;
  readonly #root: string | undefined;
  #cache: AttachedFileCache | undefined;
  #attaching: Promise<void> | undefined;

  /**
   * Made by the server's half in this process.
   * @param channel to the process that has the cache
   * @param root of the site; undefined where there is none
   */
  constructor(channel: Channel, root: string | undefined) {
    this.#channel = channel;
    this.#root = root === '/' ? '' : root;
  }

  /**
   * The content of a file or a part of it, as an aggregate that the caller releases, or answers with. All of
   * one version.
   * @throws ENOENT, EISDIR, ... as the disk says; EACCES for what the site does not serve; ENAMETOOLONG;
   *   ERR_IOLITE_UNSUPPORTED where the server has no files, or no cache of its own; ERR_IOLITE_ARGUMENT;
   *   ERR_IOLITE_PEER when the server is gone
   */
  async read(path: string, options: ReadOptions = {}): Promise<Aggregate> {
    const key = this.#keyOf(path);
    const cache = this.#attached ?? (await this.#attach());
    return withRetry(cache, key, () => cache.read(key, options));
  }

  /** As {@link read}, with what is known of the file: size, date, tag, media type, forms in other codings. */
  async snapshot(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    const key = this.#keyOf(path);
    const cache = this.#attached ?? (await this.#attach());
    return withRetry(cache, key, () => cache.snapshot(key, options));
  }

  /** What is held here: `misses` were questions to the server, `hits` cost no message. */
  stats(): CacheStats {
    return this.#cache?.stats() ?? NOTHING;
  }

  get #attached(): AttachedFileCache | undefined {
    return this.#cache?.isAttached === true ? this.#cache : undefined;
  }

  /** Attaches it, for the first time or anew: who was not heard in time is let go by the owner. */
  async #attach(): Promise<AttachedFileCache> {
    const cache = this.#cache;
    this.#attaching ??= (cache === undefined ? this.#first() : cache.attach(this.#channel)).finally(() => {
      this.#attaching = undefined;
    });
    await this.#attaching;
    return this.#cache as AttachedFileCache;
  }

  async #first(): Promise<void> {
    const cache = await attachFileCache(this.#channel);
    this.#cache = cache;
  }

  #keyOf(path: string): string {
    if (typeof path !== 'string' || !isWellFormed(path))
      throw new ArgumentError(`Cannot read file: a path is wanted, ${describe(path)} was given`);
    if (this.#root === undefined)
      throw new IoliteError('ERR_IOLITE_UNSUPPORTED', `Cannot read ${path}: the site has no files`);
    const encoded = path.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
    const named = parseTarget(/^\/|^https?:\/\//i.test(encoded) ? encoded : `/${encoded}`);
    if (typeof named === 'number') throw noPath(path, named);
    if (named.path.endsWith('/'))
      throw new IoliteError('EISDIR', `Cannot read ${path}: it names a directory`);
    return this.#root + named.path;
  }
}

/** The link that a path led through may have been exchanged for another since it was followed. */
async function withRetry<T>(cache: AttachedFileCache, key: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    cache.invalidate(key);
    return read();
  }
}

function noPath(path: string, status: 400 | 404 | 414): IoliteError {
  const codes = { 400: 'EACCES', 404: 'ENOENT', 414: 'ENAMETOOLONG' } as const;
  return new IoliteError(codes[status], `Cannot read ${path}: it is no path that a site has`);
}
