import { ignore } from '../../../base/ignore.ts';
import type { SharedCache } from '../../shared-cache.ts';
import { machineTimeOf, nextTimeOf } from './next-clock.ts';
import { keyFor } from './next-key.ts';
import { findPacked, keepPacked } from './packed-value.ts';
import { TagLedger } from './tag-ledger.ts';

/** An entry of `use cache`, as Next.js gives and gets it: durations in seconds, the rest in milliseconds. */
export interface UseCacheEntry {
  /** What was made: a stream that is read once. */
  value: ReadableStream<Uint8Array>;
  /** What it is invalidated by. */
  tags: string[];
  /** How long clients may keep it. */
  stale: number;
  /** When it was made. */
  timestamp: number;
  /** How long it may be used. */
  expire: number;
  /** After which it is to be made anew; negative: at once. */
  revalidate: number;
}

/** What Next.js 16 asks of one of its `cacheHandlers`. */
export interface UseCacheHandler {
  /** An entry that is none of the tags' past; undefined where there is none, also when the cache fails. */
  get(cacheKey: string, softTags: string[]): Promise<UseCacheEntry | undefined>;
  /** Keeps an entry once it is complete. */
  set(cacheKey: string, pendingEntry: Promise<UseCacheEntry>): Promise<void>;
  /** Needs no message: what other processes have invalidated is known here already. */
  refreshTags(): Promise<void>;
  /** Infinity: `get` is to look at the tags itself. */
  getExpiration(tags: string[]): Promise<number>;
  /** Invalidates what has one of the tags; resolves when no process finds it. */
  updateTags(tags: string[], durations?: { expire?: number }): Promise<void>;
}

/** What is kept of an entry besides its bytes. */
type Kept = Pick<UseCacheEntry, 'tags' | 'stale' | 'expire' | 'revalidate'> & { readonly at: number };

/** Timers and clocks count no further. */
const MAX_TTL_MS = 2 ** 50;

/**
 * A shared cache for what Next.js keeps by `use cache`: the default export of a module that `cacheHandlers`
 * of next.config names. All processes of `next start` find what one of them has made, and an invalidation by
 * tag or path reaches all.
 * @example
 * ```ts
 * import { sharedCache, useCacheHandler } from 'iolite/cache';
 *
 * export default useCacheHandler(sharedCache('shop', { budget: 256 * 1024 ** 2 }));
 * ```
 */
export function useCacheHandler(cache: SharedCache): UseCacheHandler {
  return new Handler(cache);
}

class Handler implements UseCacheHandler {
  readonly #cache: SharedCache;
  readonly #ledger: TagLedger;
  /** What this process is about to keep: who asks for it waits. */
  readonly #pending = new Map<string, Promise<void>>();

  constructor(cache: SharedCache) {
    this.#cache = cache;
    this.#ledger = new TagLedger(cache, 'next:use-tags:');
  }

  async get(cacheKey: string, softTags: string[]): Promise<UseCacheEntry | undefined> {
    await this.#pending.get(cacheKey);
    try {
      await this.#ledger.begin();
      const found = await findPacked(this.#cache, keyFor('next:use:', cacheKey));
      if (found === undefined) return undefined;
      const { at, ...entry } = found.head as unknown as Kept;
      const standing = await this.#ledger.standingOf([...entry.tags, ...softTags], at);
      if (standing === 'expired') return undefined;
      const revalidate = standing === 'stale' ? -1 : entry.revalidate;
      return { ...entry, revalidate, timestamp: nextTimeOf(at), value: streamOf(found.bytes) };
    } catch {
      // It is made anew: a page does not fail with its cache.
      return undefined;
    }
  }

  async set(cacheKey: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
    const kept = this.#keep(cacheKey, pendingEntry).catch(ignore);
    this.#pending.set(cacheKey, kept);
    await kept;
    if (this.#pending.get(cacheKey) === kept) this.#pending.delete(cacheKey);
  }

  async refreshTags(): Promise<void> {
    await this.#ledger.begin().catch(ignore);
  }

  async getExpiration(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  async updateTags(tags: string[], durations?: { expire?: number }): Promise<void> {
    await this.#ledger.invalidate(tags, durations);
  }

  async #keep(cacheKey: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
    const { value, timestamp, tags, stale, expire, revalidate } = await pendingEntry;
    const parts: Uint8Array[] = [];
    for await (const part of value) parts.push(part);
    if (!(expire > 0)) return;
    const at = machineTimeOf(timestamp);
    const head = { at, tags, stale, expire, revalidate };
    const ttl = Math.min(Math.ceil(expire * 1000), MAX_TTL_MS);
    await keepPacked(this.#cache, keyFor('next:use:', cacheKey), head, parts, { ttl });
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
