import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { now } from '../../../base/clock.ts';
import { ignore } from '../../../base/ignore.ts';
import type { Json } from '../../../base/json.ts';
import type { SharedCache } from '../../shared-cache.ts';
import { nextTimeOf } from './next-clock.ts';
import { keyFor } from './next-key.ts';
import { type NextShape, type NextValue, shapeOf, tagsOf, valueFrom } from './next-value.ts';
import { findPacked, keepPacked } from './packed-value.ts';
import { TagLedger } from './tag-ledger.ts';

/** What Next.js is given back. */
export interface NextCacheEntry {
  /** When it was made, in milliseconds since 1970. */
  readonly lastModified: number;
  /** null: that there is no such page. */
  readonly value: NextValue | null;
  /** In seconds. */
  readonly cacheControl?: NextCacheControl;
}

/** How long a page is right, and may be used. */
export interface NextCacheControl {
  /** Seconds after which it is to be made anew; false: never. */
  readonly revalidate: number | false;
  /** Seconds after which it is not used any more. */
  readonly expire?: number | undefined;
}

/** What Next.js says of what it asks for, or sets. */
export interface NextCacheContext {
  /** 'FETCH' for what was fetched. */
  readonly kind?: string | undefined;
  /** Of a fetch. */
  readonly tags?: readonly string[] | undefined;
  /** Those of the paths that it is a part of. */
  readonly softTags?: readonly string[] | undefined;
  /** How long it is right. */
  readonly cacheControl?: NextCacheControl | undefined;
}

/** What Next.js asks of its `cacheHandler`, an instance a request. */
export interface NextCacheHandler {
  /** What is kept and right; null where there is none, also when the cache fails. */
  get(key: string, context?: NextCacheContext): Promise<NextCacheEntry | null>;
  /** Keeps a page or an answer. */
  set(key: string, value: NextValue | null, context?: NextCacheContext): Promise<void>;
  /** Invalidates what has one of the tags; resolves when no process finds it. */
  revalidateTag(tags: string | readonly string[], durations?: { readonly expire?: number }): Promise<void>;
  /** Does nothing: nothing is kept for one request. */
  resetRequestCache(): void;
}

/** What Next.js makes one with. */
export interface NextCacheHandlerContext {
  /** Whose neighbour tells one build from another. */
  readonly serverDistDir?: string | undefined;
}

interface Found {
  readonly entry: NextCacheEntry | null;
  readonly isStale?: boolean;
}

const NOT_FOUND: Found = { entry: null };

/** What is kept of a value besides its bytes. */
type Kept = {
  readonly at: number;
  readonly tags: readonly string[];
  readonly cacheControl?: NextCacheControl | undefined;
  readonly shape: NextShape;
};

/** What is said to be made then is stale, however long it may be right. */
const LONG_AGO_MS = -1e15;
/** How much of what was asked for, and not set since, is remembered. */
const MAX_REMEMBERED_NAMES = 10_000;
const BUILDING = 'phase-production-build';

/**
 * A shared cache for what Next.js keeps of pages, routes and `fetch`: the default export of a module that
 * `cacheHandler` of next.config names (with `cacheMaxMemorySize: 0`, so that no process keeps its own). While
 * a site is built nothing is kept, so that a build leaves those alone that are being served.
 * @returns the class that Next.js makes handlers of
 * @example
 * ```ts
 * import { nextCacheHandler, sharedCache } from 'iolite/cache';
 *
 * export default nextCacheHandler(sharedCache('shop', { budget: 256 * 1024 ** 2 }));
 * ```
 */
export function nextCacheHandler(
  cache: SharedCache,
): new (
  context?: NextCacheHandlerContext,
) => NextCacheHandler {
  const ledger = new TagLedger(cache, 'next:tags:');
  return class extends Handler {
    constructor(context?: NextCacheHandlerContext) {
      super(cache, ledger, context);
    }
  };
}

class Handler implements NextCacheHandler {
  readonly #cache: SharedCache;
  readonly #ledger: TagLedger;
  /** Pages of one build are none of another's; what was fetched is the same for all. */
  readonly #pages: string;
  /** When what was not found, or was stale, was asked for: what is made then is of no later time. */
  readonly #asked = new Map<string, number>();

  constructor(cache: SharedCache, ledger: TagLedger, { serverDistDir }: NextCacheHandlerContext = {}) {
    this.#cache = cache;
    this.#ledger = ledger;
    this.#pages = `next:page:${buildOf(serverDistDir)}:`;
  }

  async get(key: string, context: NextCacheContext = {}): Promise<NextCacheEntry | null> {
    if (process.env.NEXT_PHASE === BUILDING) return null;
    await this.#ledger.begin().catch(ignore);
    const asked = now();
    const name = this.#nameOf(key, context.kind);
    // A page does not fail with its cache: it is made anew.
    const { entry, isStale = true } = await this.#find(name, context).catch(() => NOT_FOUND);
    if (isStale && !this.#asked.has(name) && this.#asked.size < MAX_REMEMBERED_NAMES)
      this.#asked.set(name, asked);
    return entry;
  }

  async set(key: string, value: NextValue | null, context: NextCacheContext = {}): Promise<void> {
    if (process.env.NEXT_PHASE === BUILDING) return;
    await this.#ledger.begin();
    const { tags = [], cacheControl } = context;
    const name = this.#nameOf(key, value?.kind);
    const at = this.#asked.get(name) ?? now();
    this.#asked.delete(name);
    const { shape, parts } = shapeOf(value);
    const kept: Kept = { at, tags: [...tags, ...tagsOf(value)], cacheControl, shape };
    await keepPacked(this.#cache, name, kept as unknown as Json, parts, {});
  }

  async revalidateTag(
    tags: string | readonly string[],
    durations?: { readonly expire?: number },
  ): Promise<void> {
    await this.#ledger.invalidate([tags].flat(), durations);
  }

  resetRequestCache(): void {}

  async #find(name: string, { tags = [], softTags = [] }: NextCacheContext): Promise<Found> {
    const found = await findPacked(this.#cache, name);
    if (found === undefined) return NOT_FOUND;
    const kept = found.head as unknown as Kept;
    const standing = await this.#ledger.standingOf([...kept.tags, ...tags, ...softTags], kept.at);
    if (standing === 'expired') return NOT_FOUND;
    const value = valueFrom(kept.shape, found.bytes);
    const isStale = standing === 'stale';
    // Next.js goes by what the process that made it knows of its tags; by its age go all.
    const cacheControl = isStale && value?.kind !== 'FETCH' ? { revalidate: 1 } : kept.cacheControl;
    const lastModified = isStale ? LONG_AGO_MS : nextTimeOf(kept.at);
    return {
      entry: { lastModified, value, ...(cacheControl === undefined ? {} : { cacheControl }) },
      isStale,
    };
  }

  #nameOf(key: string, kind: unknown): string {
    return keyFor(kind === 'FETCH' ? 'next:fetch:' : this.#pages, key);
  }
}

/** Which build is served: no two have the same pages. */
function buildOf(serverDistDir: string | undefined): string {
  if (serverDistDir === undefined) return '';
  try {
    return readFileSync(join(serverDistDir, '..', 'BUILD_ID'), 'utf8').trim();
  } catch {
    return '';
  }
}
