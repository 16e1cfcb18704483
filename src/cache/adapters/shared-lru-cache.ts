import { Aggregate } from '../../aggregate/aggregate.ts';
import { createPool } from '../../aggregate/pool.ts';
import { ArgumentError, checkOptionNames, describe, optionNames } from '../../base/error.ts';
import { ignore } from '../../base/ignore.ts';
import type { Json } from '../../base/json.ts';
import { type SharedCache, sharedCache } from '../shared-cache.ts';
import { type Cacheable, type CachedValue, frozen } from '../value.ts';

/** As of lru-cache, as far as they mean something here. */
export interface SharedLRUCacheOptions {
  /** Of the cache that all processes share. */
  readonly name: string;
  /** Most bytes of physical memory, of all processes together. Default: as of sharedCache. */
  readonly maxSize?: number;
  /** Milliseconds. Default: as long as it is kept. */
  readonly ttl?: number;
  /** Makes what is not there: see {@link SharedLRUCache.fetch}. */
  readonly fetchMethod?: (
    key: string,
    stale: CachedValue | undefined,
    options: { readonly signal: AbortSignal },
  ) => Cacheable | Promise<Cacheable>;
}

const NAMES = optionNames<SharedLRUCacheOptions>({ name: true, maxSize: true, ttl: true, fetchMethod: true });

/**
 * A shared cache by the methods of lru-cache, for programs that have one and cannot wait. What differs comes
 * of that another process may own the memory: `get` finds what this process has at hand, has asked for
 * before, and asks for the rest in the background, so that it is there the next time; `set` and `delete` are
 * seen by all a moment later, by this process's `get` at once. {@link fetch} waits, and misses nothing.
 */
export class SharedLRUCache {
  /** The cache underneath: its events, tags and figures. */
  readonly cache: SharedCache;
  readonly #options: SharedLRUCacheOptions;
  /** For bytes of others, until the owner has them. */
  readonly #pool = createPool({ name: 'values', memory: 'heap' });
  /** What was set or deleted here and the owner does not know of yet. */
  readonly #pending = new Map<string, Pending>();

  /** @throws as sharedCache; ERR_IOLITE_ARGUMENT for options of lru-cache that mean nothing here */
  constructor(options: SharedLRUCacheOptions) {
    if (typeof options !== 'object' || options === null)
      throw new ArgumentError(`Cannot share cache: options are wanted, ${describe(options)} was given`);
    checkOptionNames(options, NAMES, 'share cache');
    const { name, maxSize, ttl, fetchMethod } = options;
    if (fetchMethod !== undefined && typeof fetchMethod !== 'function')
      throw new ArgumentError(`Cannot share cache: a function is wanted, ${describe(fetchMethod)} was given`);
    if (ttl !== undefined && !(Number.isInteger(ttl) && ttl > 0))
      throw new ArgumentError(
        `Cannot share cache: a ttl in milliseconds is wanted, ${describe(ttl)} was given`,
      );
    this.#options = options;
    this.cache = sharedCache(name, { policy: 'lru', ...(maxSize === undefined ? {} : { budget: maxSize }) });
  }

  /** Values at hand. */
  get size(): number {
    return this.cache.stats().entries;
  }

  /**
   * A value at hand; bytes are the caller's to release. Undefined: there is none, or the owner is being asked
   * for it.
   */
  get(key: string): CachedValue | undefined {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.given();
    const value = this.cache.peek(key);
    if (value === undefined) this.cache.has(key).catch(ignore);
    return value;
  }

  /** As {@link get}, asking nobody. */
  peek(key: string): CachedValue | undefined {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.cache.peek(key) : pending.given();
  }

  /** Whether a value is at hand; nobody is asked. */
  has(key: string): boolean {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.cache.isAtHand(key) : pending.value !== undefined;
  }

  /**
   * Keeps a value, or forgets it where undefined is given. This process sees it at once, others a moment
   * later; what there is no room for is dropped without a word. Aggregates stay the caller's, bytes are
   * copied.
   */
  set(key: string, value: Cacheable | undefined, { ttl = this.#options.ttl }: { ttl?: number } = {}): this {
    if (value === undefined) {
      this.delete(key);
      return this;
    }
    const isBytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
    const kept = isBytes ? this.#pool.from(value as Uint8Array) : value;
    this.#settle(key, kept, this.cache.set(key, kept, ttl === undefined ? {} : { ttl }));
    if (isBytes) (kept as Aggregate).release();
    return this;
  }

  /** Forgets a value: in this process at once. @returns whether it was at hand */
  delete(key: string): boolean {
    const had = this.has(key);
    this.#settle(key, undefined, this.cache.delete(key));
    return had;
  }

  /** Forgets all values, of all processes. */
  clear(): void {
    for (const pending of this.#pending.values()) pending.end();
    this.#pending.clear();
    this.cache.invalidate({ prefix: '' }).catch(ignore);
  }

  /** A value, made by `fetchMethod` where there is none: by one of all processes. */
  async fetch(key: string): Promise<CachedValue | undefined> {
    const { fetchMethod, ttl } = this.#options;
    if (fetchMethod === undefined) return this.cache.get(key);
    const make = (_: string, { signal }: { readonly signal: AbortSignal }): Cacheable | Promise<Cacheable> =>
      fetchMethod(key, undefined, { signal });
    return this.cache.getOrSet(key, make, ttl === undefined ? {} : { ttl });
  }

  /** Leaves the cache, which goes on for the other processes. */
  async close(): Promise<void> {
    await this.cache.close();
    this.#pool.close();
  }

  #settle(key: string, value: Cacheable | undefined, done: Promise<unknown>): void {
    this.#pending.get(key)?.end();
    const pending = new Pending(value);
    this.#pending.set(key, pending);
    const settled = (): void => {
      pending.end();
      if (this.#pending.get(key) === pending) this.#pending.delete(key);
    };
    done.then(settled, settled);
  }
}

/** A value on its way to the owner; undefined: that there is none. */
class Pending {
  readonly value: Cacheable | undefined;
  #given: CachedValue | undefined;

  constructor(value: Cacheable | undefined) {
    this.value = Aggregate.isAggregate(value) ? value.duplicate() : value;
  }

  /** As the cache would give it. */
  given(): CachedValue | undefined {
    const { value } = this;
    if (Aggregate.isAggregate(value)) return value.released ? undefined : value.duplicate();
    if (typeof value !== 'object' || value === null) return value;
    this.#given ??= frozen(JSON.parse(JSON.stringify(value)) as Json);
    return this.#given;
  }

  end(): void {
    if (Aggregate.isAggregate(this.value) && !this.value.released) this.value.release();
  }
}
